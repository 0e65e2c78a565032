"""What goes wrong at a GitLab is said in a sentence and never becomes a value."""

from threading import Event

import pytest

from approvals.connections.check import check_connection
from approvals.context import parts
from approvals.context.connected import BadSetting
from approvals.context.forge import side_by_side
from approvals.context.registry import CONNECTED
from approvals.context.sources.gitlab.source import GitLabSource
from approvals.models import Connection
from policies.language.facts import Unknown
from portal.accounts.models import User
from tests.gitlab import TOKEN
from tests.remote import Says

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def brought(shop, lab):
    """A merge request with the commit, approved, and checks and a deployment."""
    one = lab.merge_request()
    lab.push(one, shop.new)
    lab.approve(one, 2)
    lab.job(shop.new, "unit")
    lab.deploy(shop.old)


# One place in each part that is read.
PLACES = ["commits/\\w+$", "branches", "compare", "statuses", "approvals", "versions",
          "reviewers", "deployments", "repository/commits$"]  # fmt: skip
BROKEN, ELSE = Says({"message": "500"}, 500), Says([["x"]])
SAYS = [
    (Says(None), "its answer has no"),
    (Says(b"<html>"), "its answer is no JSON"),
    (Says({}, 302, {"Location": "https://evil.example.com/"}), "which is not followed"),
    (Says({}, 429, {"Retry-After": "30"}), "allows no more questions before"),
    (Says({"x": "y" * 100}, broken=True), ""),
]


@pytest.mark.parametrize(
    ("place", "says", "words"),
    [(place, BROKEN, "its server answers 500") for place in PLACES]
    + [(place, ELSE, "its answer has no") for place in PLACES]
    + [("statuses", *rest) for rest in SAYS],
)
def test_one_answer_that_is_none_makes_everything_unknown(shop, lab, answer, place, says, words):
    lab.refuses.append((place, says))
    said = answer(shop.new, shop.old)
    assert said.error
    assert words in said.error
    assert all(isinstance(state, Unknown) for state in said.states.values())
    assert TOKEN not in said.error


@pytest.mark.parametrize("hidden", [403, 404])
@pytest.mark.parametrize(
    ("place", "what", "rest"),
    [
        ("statuses", "pipelines", "git pr deployment"),
        ("/merge_requests", "merge requests", "git ci deployment"),
        ("deployments", "deployments", "git ci pr"),
    ],
)
def test_what_the_token_may_not_see_is_told_or_left_out(
    shop, lab, answer, hidden, place, what, rest
):
    lab.refuses.append((place, Says({"message": "no"}, hidden)))
    assert answer(shop.new, shop.old).error == (
        f"GitLab does not show {what} to these credentials: grant that, or leave its facts out"
    )
    said = answer(shop.new, shop.old, facts=rest)
    assert said.error == ""
    assert {name.partition(".")[0] for name in said.states} == set(rest.split())


def test_an_answer_that_does_not_come(shop, lab, answer, monkeypatch):
    monkeypatch.setattr(GitLabSource, "budget", 0.3)
    late = Event()
    lab.refuses.append(("statuses", Says([], after=late)))
    assert answer(shop.new, shop.old).error
    late.set()


def test_a_project_that_is_not_shown_is_no_commit_that_is_not_there(shop, lab, answer):
    lab.refuses.append(("projects/42", Says({"message": "404 Project Not Found"}, 404)))
    said = answer(shop.new, shop.old)
    assert said.error == "GitLab has no project 42, or does not show it to this token"
    assert all(isinstance(state, Unknown) for state in said.states.values())


def test_an_answer_about_another_project_is_none(shop, lab, answer):
    lab.refuses += [("commits", Says({}, 404)), ("42$", Says({"id": 43}))]
    assert "another project" in answer(shop.new, shop.old).error


def test_an_answer_about_another_environment_is_none(shop, lab, answer):
    lab.deployments[0]["environment"]["name"] = "staging"
    lab.refuses.append(("deployments", Says(lab.deployments)))
    assert "another environment" in answer(shop.new, shop.old).error


def test_hostile_text_is_unknown_where_it_cannot_be_stored(shop, lab, facts):
    lab.merge_requests[0].update(title="x\0y", labels=["a", "\0"])
    said = facts(shop.new, shop.old)
    assert isinstance(said["pr.title"], Unknown)
    assert isinstance(said["pr.labels"], Unknown)
    assert said["pr.number"] == 1


def test_a_fresh_question_costs_no_bodies_where_nothing_changed(shop, lab, facts):
    first = facts(shop.new, shop.old)
    count, sent = len(lab.asked), len(lab.answered)
    assert facts(shop.new, shop.old) == first
    assert len(lab.asked) == count
    again = facts(shop.new, shop.old, fresh=True)
    assert {**again, "deployment.age_s": 0} == {**first, "deployment.age_s": 0}
    assert len(lab.answered) == sent
    told = [row[1].partition("?")[0].rpartition("/")[2] for row in lab.asked[count:]]
    assert "compare" not in told  # two commits differ for ever in what they differ
    lab.job(shop.new, "unit", "failed")
    assert facts(shop.new, shop.old, fresh=True)["ci.state"] == "failure"


@pytest.mark.django_db(transaction=True)
def test_parts_are_read_side_by_side(shop, lab, facts, monkeypatch):
    monkeypatch.setattr(parts, "side_by_side", side_by_side)
    said = facts(shop.new, shop.old)
    assert (said["git.diff_lines"], said["ci.state"], said["pr.approvals"]) == (4, "success", 1)


class TestConnection:
    def test_a_test_says_what_is_seen(self, shop, lab, connect):
        tested = check_connection(by=User.objects.get(), connection=connect())
        assert tested.works
        assert tested.sentence == (
            "It finds the project “Acme / shop” and sees everything that it is to tell."
        )

    def test_a_test_says_what_is_not_seen(self, shop, lab, connect):
        lab.refuses.append(("pipelines", Says({}, 403)))
        tested = check_connection(by=User.objects.get(), connection=connect())
        assert not tested.works
        assert "it finds “Acme / shop”, but GitLab does not show pipelines" in tested.sentence

    def test_a_wrong_token_is_told(self, shop, lab, connect):
        lab.refuses.append(("", Says({"message": "401 Unauthorized"}, 401)))
        tested = check_connection(by=User.objects.get(), connection=connect())
        assert not tested.works
        assert "refuses the credentials" in tested.sentence

    def test_the_token_travels_in_its_header_alone(self, shop, lab, facts):
        facts(shop.new, shop.old)
        assert {asked[2]["private-token"] for asked in lab.asked} == {TOKEN}
        assert not any(TOKEN in asked[1] for asked in lab.asked)
        assert TOKEN not in str(Connection.objects.values().get())

    @pytest.mark.parametrize("number", ["acme/shop", "0", "-1", "42.0", "1e3", "4" * 20])
    def test_a_project_is_named_by_its_number_alone(self, number):
        with pytest.raises(BadSetting, match="project's number"):
            CONNECTED["gitlab"].clean({"project": number, "facts": "git"})

    def test_only_what_a_forge_knows_is_to_be_told(self):
        with pytest.raises(BadSetting, match="tells no facts"):
            CONNECTED["gitlab"].clean({"project": "42", "facts": "git git.nothing"})
