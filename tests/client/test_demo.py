"""The demo repository is real, and its deployments run only when they may."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.client.portal_double import (
    PERMIT,
    TOKEN,
    a_permit,
    a_receipt,
    a_request,
)

DEMO = Path(__file__).parents[2] / "plugins" / "demo"


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **more)
    return done.returncode, done.stdout.strip(), done.stderr


def git(repository, *arguments):
    status, out, err = run("git", "-C", repository, *arguments)
    assert status == 0, err
    return out


@pytest.fixture
def shop(tmp_path):
    assert run(DEMO / "make-repo.sh", tmp_path / "shop")[0] == 0
    return tmp_path / "shop"


@pytest.fixture
def pipeline(shop, double):
    """Runs the pipeline for an environment; the run id is fixed by the CI variables."""

    def start(environment, **more):
        env = {"PATH": os.environ["PATH"], "HOME": str(shop.parent), "CI_PIPELINE_ID": "1"}
        env |= {"CI_JOB_ID": "8812", "COUNTERSIGN_URL": double.url, "COUNTERSIGN_TOKEN": TOKEN}
        return run(shop / "pipeline.sh", environment, env={**env, **more}, cwd="/")

    return start


def test_the_repository_has_real_commits_by_two_people(shop):
    assert git(shop, "rev-list", "--count", "main") == "5"
    authors = set(git(shop, "log", "--format=%an <%ae>").splitlines())
    assert authors == {"Ana Reyes <ana@harbor.example>", "Ben Okafor <ben@harbor.example>"}
    assert git(shop, "status", "--porcelain") == ""
    git(shop, "fsck", "--strict")


def test_the_same_files_give_the_same_commits(shop, tmp_path):
    again = run(DEMO / "make-repo.sh", tmp_path / "again")[1]
    assert again == git(shop, "rev-parse", "HEAD")


def test_an_existing_folder_is_left_alone(shop):
    before = git(shop, "rev-parse", "HEAD")
    assert run(DEMO / "make-repo.sh", shop)[0] == 1
    assert git(shop, "rev-parse", "HEAD") == before


def test_one_more_commit_can_be_added(shop):
    before = git(shop, "rev-parse", "HEAD")
    after = run(DEMO / "add-commit.sh", shop, "cake", "520")[1]
    assert git(shop, "rev-parse", "HEAD") == after != before
    assert "cake,520" in (shop / "shop" / "prices.csv").read_text()
    assert run(shop / "tests" / "run.sh")[0] == 0


def test_an_approved_deployment_really_deploys_the_commit(shop, pipeline, double):
    head = git(shop, "rev-parse", "HEAD")
    double.on("ask", a_request("approved")).on("redeem", a_permit())
    status, _, err = pipeline("staging")
    assert status == 0, err
    assert (shop / "deployed" / "staging" / "commit").read_text() == head + "\n"
    assert (shop / "deployed" / "staging" / "release" / "shop" / "prices.csv").exists()
    assert f"{head} {PERMIT}" in (shop / "deployed" / "staging" / "log").read_text()
    question = double.sent("ask")[0]
    assert question["environment"] == "staging"
    assert question["subject"] == {"commit": head, "ref": "refs/heads/main"}
    assert question["reason"] == "Raise the price of coffee"
    assert question["claims"] == {"tests.passed": True}


def test_a_rejected_deployment_does_not_deploy(shop, pipeline, double):
    double.on("ask", a_request("rejected"))
    assert pipeline("production")[0] == 65
    assert not (shop / "deployed").exists()


def test_failing_tests_ask_nobody(shop, pipeline, double):
    (shop / "shop" / "prices.csv").write_text("nothing,1\n")
    assert pipeline("production")[0] not in (0, 65)
    assert double.calls == []


def test_the_pipeline_runs_without_python_too(shop, pipeline, double, tmp_path):
    stub = tmp_path / "bin" / "python3"
    stub.parent.mkdir()
    stub.write_text("#!/bin/sh\nexit 127\n")
    stub.chmod(0o755)
    double.on("ask", a_request("approved"))
    double.on("redeem", a_permit(receipt=a_receipt()))
    status, _, err = pipeline("production", PATH=f"{stub.parent}:{os.environ['PATH']}")
    assert status == 0, err
    assert double.calls[0]["headers"]["User-Agent"].startswith("countersign-sh/")
    assert (shop / "deployed" / "production" / "commit").exists()


def test_every_gitlab_job_that_deploys_asks_first(shop):
    jobs = yaml.safe_load((shop / ".gitlab-ci.yml").read_text())
    deploying = [name for name, job in jobs.items() if "environment" in job]
    assert deploying == ["deploy-staging", "deploy-production"]
    for name in deploying:
        assert jobs[name]["extends"] == ".deploy"
        assert "script" not in jobs[name]
    (script,) = jobs[".deploy"]["script"]
    assert script.startswith("./ci/countersign gate ")
    assert script.index(" -- ") < script.index("./deploy.sh")
