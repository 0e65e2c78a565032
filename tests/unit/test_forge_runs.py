"""Who pushed or started a run, as a forge tells it; the caller only says which run it is."""

import pytest

from approvals.context.fetch import NotThere
from approvals.context.sources.github.run import about_run as about_github
from approvals.context.sources.gitlab.run import about_run as about_gitlab
from policies.language.facts import Unknown

COMMIT, OTHER = "1" * 40, "2" * 40
GITHUB = {"system": "github", "id": "812", "attempt": 2}
GITLAB = {"system": "gitlab", "id": "55", "attempt": 1}


class Forge:
    """Answers by path, and nothing else."""

    def __init__(self, **answers):
        self.answers = {path.replace("__", "/"): said for path, said in answers.items()}

    def get(self, path):
        if path not in self.answers:
            raise NotThere("404")
        return self.answers[path]


def github(commit=COMMIT, pushed=11, started=12):
    actor = None if pushed is None else {"id": pushed}
    said = {"id": 812, "head_sha": commit, "actor": actor, "triggering_actor": {"id": started}}
    return Forge(actions__runs__812__attempts__2=said)


def gitlab(commit=COMMIT, pushed=11, started=12):
    job = {"id": 55, "user": {"id": started}, "pipeline": {"id": 7}}
    return Forge(jobs__55=job, pipelines__7={"id": 7, "sha": commit, "user": {"id": pushed}})


@pytest.mark.parametrize(
    ("about", "forge", "run", "name"),
    [(about_github, github, GITHUB, "github"), (about_gitlab, gitlab, GITLAB, "gitlab")],
)
class TestBothForges:
    def test_both_who_pushed_and_who_started_are_told(self, about, forge, run, name):
        found = about(forge(), COMMIT, run)
        assert found == {"ci.started_by": [f"{name}:11", f"{name}:12"]}
        assert about(forge(started=11), COMMIT, run) == {"ci.started_by": [f"{name}:11"]}

    @pytest.mark.parametrize("wrong", [{"id": "813"}, {"id": "../1"}, {"system": "jenkins"}])
    def test_a_run_that_is_not_there_says_nothing(self, about, forge, run, name, wrong):
        assert isinstance(about(forge(), COMMIT, run | wrong)["ci.started_by"], Unknown)

    def test_a_run_of_another_commit_says_nothing(self, about, forge, run, name):
        assert isinstance(about(forge(OTHER), COMMIT, run)["ci.started_by"], Unknown)


def test_an_account_that_is_gone_is_not_left_out():
    assert "gone" in about_github(github(pushed=None), COMMIT, GITHUB)["ci.started_by"].reason
