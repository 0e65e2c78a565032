"""GitHub's own description and recordings of its API: what is asked is valid, what it says is
understood, and the GitHub of the other tests says nothing that GitHub would not."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from approvals.connections.check import check_connection
from approvals.context.fetch import Fetch
from approvals.context.forge import about_branch
from approvals.context.sources.github.api import GitHubRepository
from approvals.context.sources.github.change import about_change
from approvals.context.sources.github.checks import about_checks
from approvals.context.sources.github.commit import about_commit, find_commit
from approvals.context.sources.github.deployment import about_deployment
from approvals.context.sources.github.review import about_review
from tests.github import NUMBER
from tests.integration.github import description as published
from tests.npm import npm_packages
from tests.remote import Says

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("prism")]

EXAMPLE = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def modules():
    return npm_packages(*published.PACKAGES)


@pytest.fixture(scope="module")
def described(modules):
    found = published.description(modules)
    # The only word of it that is changed: one commit ahead is not behind.
    found["components"]["examples"]["commit-comparison"]["value"]["status"] = "ahead"
    return found


@pytest.fixture(scope="module")
def mock(modules, described, tmp_path_factory):
    """A server that says GitHub's published examples."""
    file = tmp_path_factory.mktemp("prism") / "github.json"
    file.write_text(json.dumps(described))
    with published.prism(modules, file, "mock", "--errors") as address:
        yield address


class TestExamples:
    @pytest.fixture
    def example(self, mock, connect):
        """The repository of the examples."""
        row = connect(url=mock)
        return GitHubRepository(Fetch(row, budget=20.0, time_to_live=timedelta(seconds=30)))

    def test_the_commit_and_the_branch(self, example):
        said = about_commit(find_commit(example, EXAMPLE))
        assert said["git.author"] == said["git.committer"] == "mona@github.com"
        assert said["git.subject"] == "Fix all the bugs"
        assert (said["git.signature"], said["git.signed"]) == ("none", False)
        assert said["git.url"].endswith(EXAMPLE)
        said = about_branch(example, "main", EXAMPLE, exists=True)
        assert said["git.head"] == "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d"
        assert (said["git.on_branch"], said["git.branch_protected"]) == (False, False)
        assert said["git.exists"] is True

    def test_the_comparison(self, example):
        said = about_change(example, EXAMPLE, "1" * 40)
        assert said["git.authors"] == ["mona@github.com"]
        assert said["git.author_ids"] == said["git.committer_ids"] == ["github:1"]
        assert (said["git.paths"], said["git.diff_lines"]) == (["file1.txt"], 124)

    def test_the_history(self, example):
        assert about_change(example, EXAMPLE, "")["git.authors"] == ["support@github.com"]

    def test_the_checks(self, example):
        said = about_checks(example, EXAMPLE, "")
        assert said["ci.state"] == "success"
        assert said["ci.passed"] == ["continuous-integration/jenkins", "security/brakeman"]
        assert said["ci.total"] == 3  # one of them says nothing

    def test_the_pull_request(self, example):
        said = about_review(example, EXAMPLE, "master")
        assert (said["pr.number"], said["pr.title"]) == (1347, "Amazing new feature")
        assert (said["pr.author"], said["pr.merged"]) == ("github:1", True)
        assert said["pr.approvals"] == 0  # its author's, of another commit

    def test_the_deployment(self, example):
        said = about_deployment(example, "production", EXAMPLE, AT)
        assert said["deployment.sha"] == "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d"
        assert (said["deployment.state"], said["deployment.by"]) == ("success", "github:1")

    def test_the_repository(self, mock, connect, admin):
        found = check_connection(by=admin, connection=connect(url=mock))
        assert found.sentence.startswith(f"It finds octocat/Hello-World, repository {NUMBER}")


class TestOurGitHub:
    @pytest.fixture
    def between(self, modules, described, tmp_path, hub):
        """Looks at every question and every answer on its way to and from our GitHub."""
        file = tmp_path / "github.json"
        file.write_text(json.dumps(described))
        with published.prism(modules, file, "proxy", "--errors", hub.url) as address:
            yield address

    def test_questions_and_answers_are_of_the_description(
        self, shop, hub, between, facts, connect, admin, described
    ):
        hub.run(shop.new, "unit")
        hub.run(shop.new, "e2e", None)
        hub.status(shop.new, "jenkins/build", "failure")
        hub.review(hub.pull(shop.new), 12)
        hub.deploy(shop.old, "queued", "in_progress", "success")
        direct, row = facts(shop.new, shop.old), connect(url=between)
        assert facts(shop.new, shop.old, row=row) == direct
        shop.git("checkout", "-q", "-b", "side", shop.old)
        side = shop.commit({"side.txt": b"1\n"})
        assert facts(side, "", row=row)["git.exists"] is True
        assert facts("d" * 40, "", row=row)["git.exists"] is False
        assert check_connection(by=admin, connection=row).works
        for _, path, _, _ in hub.asked:
            _require_known(described, urlsplit(path))

    def test_an_app_asks_for_its_token_as_described(self, shop, hub, between, facts, app):
        direct = facts(shop.new, shop.old)
        assert facts(shop.new, shop.old, row=app(url=between)) == direct
        assert "ghs_0" in hub.apps_tokens

    def test_an_answer_that_github_would_not_give_is_seen(
        self, shop, hub, between, answer, connect
    ):
        row = connect(url=between)
        assert answer(shop.new, row=row).error == ""
        hub.run(shop.new, "unit", "mostly_fine")
        assert "answers 500" in answer(shop.new, row=row, fresh=True).error


class TestRecordings:
    @pytest.fixture
    def recorded(self, modules):
        def act(scenario):
            folder = modules / "@octokit" / "fixtures" / "scenarios" / "api.github.com" / scenario
            return json.loads((folder / "normalized-fixture.json").read_text())

        return act

    def test_d1_the_number_leads_to_a_repository_that_got_another_name(
        self, hub, connect, admin, recorded
    ):
        moved, found = recorded("rename-repository")[1:3]
        assert moved["status"] == 301
        assert found["path"] == "/repositories/1000"
        hub.refuses += [
            ("^/repos/", Says(moved["response"], 301)),
            ("^/repositories/1000$", Says(found["response"])),
            ("^/repositories/1000/", Says([])),
        ]
        by_name = connect(repository="octokit-fixture-org/rename-repository")
        assert "redirect" in check_connection(by=admin, connection=by_name).sentence
        by_number = connect(repository="1000")
        said = check_connection(by=admin, connection=by_number).sentence
        assert "octokit-fixture-org/rename-repository-newname, repository 1000" in said

    def test_what_lies_below_the_number_is_answered(self, recorded):
        pages = [one["path"] for one in recorded("paginate-issues")[1:]]
        assert all(path.startswith("/repositories/1000/issues?") for path in pages)

    def test_the_statuses_of_a_commit(self, shop, hub, facts, recorded):
        said = recorded("create-status")[-1]
        assert said["path"].endswith("/status")
        hub.refuses.append(("/status$", Says(said["response"])))
        found = facts(shop.new, shop.old)
        contexts = {one["context"]: one["state"] for one in said["response"]["statuses"]}
        assert found["ci.total"] == len(contexts)
        assert set(found["ci.failed"]) == {c for c, s in contexts.items() if s == "failure"}


def _require_known(described, address):
    below = address.path.removeprefix(published.NUMBERED)
    for known in published.OURS:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), below):
            assert set(parse_qs(address.query)) <= published.query_names(described, known)
            return
    raise AssertionError(f"GitHub's description has no {below}")
