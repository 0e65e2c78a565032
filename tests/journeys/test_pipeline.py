"""The demo pipeline, run by plain sh and by a GitLab runner, really deploys what was approved."""

import shutil
import signal
import subprocess

import pytest

from tests.journeys import gitlab

pytestmark = pytest.mark.xdist_group("journeys")


@pytest.fixture
def deployed(tmp_path):
    """Where the pipeline deploys to."""
    return tmp_path / "deployed"


def run_pipeline(portal, deployed, environment):
    script = portal.repository / "pipeline.sh"
    return portal.start("sh", script, environment, DEPLOY_TO=str(deployed))


def test_plain_sh_deploys_to_staging_at_once(portal, deployed):
    run = run_pipeline(portal, deployed, "staging")
    assert run.end() == 0, run.said
    permit = portal.request(run.request)["permit"]
    assert f"{portal.head()} {permit['id']}" in (deployed / "staging" / "log").read_text()
    assert (deployed / "staging" / "release" / "shop" / "prices.csv").exists()


def test_plain_sh_deploys_to_production_what_was_approved_even_after_drift(portal, deployed, maria):
    asked_for = portal.head()
    run = run_pipeline(portal, deployed, "production")
    portal.until_pending(run.request)
    run.send(signal.SIGSTOP)
    maria.decide(run.request)
    landed = portal.add_commit("bread")
    run.send(signal.SIGCONT)
    run.says(landed)
    assert not deployed.exists()

    assert portal.until_pending(run.request)["round"] == 2
    maria.decide(run.request)
    assert run.end() == 0, run.said
    assert (deployed / "production" / "commit").read_text().strip() == asked_for
    assert "bread" not in (deployed / "production" / "release" / "shop" / "prices.csv").read_text()


@pytest.fixture
def checkout(portal, tmp_path):
    """A clone with a remote, as a GitLab runner has it."""
    folder = tmp_path / "shop"
    subprocess.run(["git", "clone", "--quiet", portal.repository, folder], check=True)
    remote = ["remote", "set-url", "origin", "https://gitlab.example/harbor/shop.git"]
    subprocess.run(["git", "-C", folder, *remote], check=True)
    return folder


@pytest.mark.skipif(shutil.which("rsync") is None, reason="NO GITLAB RUNNER: it needs rsync")
def test_a_gitlab_runner_deploys_to_staging_and_waits_for_production(
    portal, checkout, deployed, maria
):
    token = portal.home / "demo" / "shop.token"
    runner = portal.start(
        *gitlab.installed(),
        "--home", checkout.parent, "--force-shell-executor",
        "--variable", f"COUNTERSIGN_URL={portal.url}",
        "--variable", f"COUNTERSIGN_TOKEN_FILE={token}",
        "--variable", f"DEPLOY_TO={deployed}",
        directory=checkout,
    )  # fmt: skip
    staging, production = runner.requests(2)
    assert portal.request(staging)["status"] == "redeemed"
    assert portal.until_pending(production)["environment"] == "production"
    assert not (deployed / "production").exists()
    assert portal.request(production)["run"]["system"] == "gitlab"

    maria.decide(production)
    assert runner.end() == 0, runner.said
    for environment in ("staging", "production"):
        assert (deployed / environment / "commit").read_text().strip() == portal.head()
