"""What sources of forges share: readings of hostile JSON, and the same facts from it."""

import pytest

from approvals.context.forge import (
    NO_BRANCH,
    OF_BRANCH,
    Check,
    Repository,
    about_branch,
    change_facts,
    check_facts,
    commit_facts,
    cut,
    moment,
    said,
    side_by_side,
    signature_facts,
)
from approvals.context.people import MOST_ADDRESS, address, people
from approvals.context.source import SourceFailed
from policies.language.facts import Unknown

WHY = Unknown("so", "absent")


def test_what_is_of_the_documented_form_is_taken():
    answer = {"user": {"id": 7}, "labels": []}
    assert said(answer, int, "user", "id") == 7
    assert said(answer, list, "labels") == []
    assert said(answer, dict) == answer


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"user": 7}, {"user": {"id": True}}])
def test_anything_else_fails_with_a_sentence(answer):
    with pytest.raises(SourceFailed, match=r"its answer has no user\.id as it should"):
        said(answer, int, "user", "id")


@pytest.mark.parametrize("text", ["yesterday", "2026-11-23T12:00:00", 7, None])
def test_a_time_without_its_zone_is_none(text):
    assert moment({"at": "2026-11-23T12:00:00.123Z"}, "at").year == 2026
    with pytest.raises(SourceFailed):
        moment({"at": text}, "at")


def test_long_text_is_cut_and_seen_to_be():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc…"


def test_a_writer_without_an_address_makes_all_writers_unknown():
    assert people([" b@example.com", "a@example.com", "b@example.com"]) == [
        "a@example.com",
        "b@example.com",
    ]
    assert isinstance(people(["a@example.com", " "]), Unknown)
    assert len(address("x" * 5000)) == MOST_ADDRESS + 1


def test_a_commit_speaks_through_its_first_line_and_its_whole_message():
    facts = commit_facts("a@example.com", "", " Raise it \r\n\r\nBecause")
    assert facts["git.subject"] == "Raise it"
    assert facts["git.message"] == " Raise it \r\n\r\nBecause"
    assert facts["git.author"] == "a@example.com"
    assert isinstance(facts["git.committer"], Unknown)


def test_a_signature_that_could_not_be_checked_is_neither_good_nor_bad():
    assert signature_facts("good")["git.signed"] is True
    assert signature_facts("bad")["git.signed"] is signature_facts("none")["git.signed"] is False
    assert isinstance(signature_facts("unknown")["git.signed"], Unknown)


def test_a_change_is_counted_or_unknown_part_by_part():
    facts = change_facts(["b", "a", "b"], [(1, 4, "a"), (2, 0, "b")])
    assert (facts["git.paths"], facts["git.files_changed"]) == (["a", "b"], 2)
    assert [facts[f"git.{n}"] for n in ("insertions", "deletions", "diff_lines")] == [3, 4, 7]
    assert facts["git.stat"] == ["1 4 a", "2 0 b"]
    assert change_facts(["a"], WHY)["git.files_changed"] == 1
    assert set(change_facts(WHY, WHY).values()) == {WHY}


CHECKS = [Check("unit", "passed"), Check("lint", "neutral"), Check("e2e", "passed")]


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ([], "success"),
        ([Check("slow", "pending")], "pending"),
        ([Check("slow", "pending"), Check("bad", "failed")], "failure"),
    ],
)
def test_one_failure_is_a_failure_and_one_that_runs_is_pending(more, state):
    assert check_facts([*CHECKS, *more], "")["ci.state"] == state


def test_nothing_that_passed_is_no_success():
    assert check_facts([], "")["ci.state"] == "none"
    assert check_facts([Check("lint", "neutral")], "")["ci.state"] == "none"


def test_checks_are_left_out_by_the_names_people_wrote_alone():
    checks = [*CHECKS, Check("deploy to production", "pending")]
    facts = check_facts(checks, "\n deploy*\nE2E\n")
    assert facts == {
        "ci.state": "success",
        "ci.failed": [],
        "ci.pending": [],
        "ci.passed": ["e2e", "unit"],
        "ci.total": 3,
        "ci.checks": ["neutral - lint", "passed - e2e", "passed - unit"],
    }


def test_parts_are_read_side_by_side_and_one_that_fails_fails_all():
    def fail():
        raise SourceFailed("away")

    assert side_by_side(lambda: {"a": 1}, lambda: {"b": 2}) == {"a": 1, "b": 2}
    with pytest.raises(SourceFailed, match="away"):
        side_by_side(lambda: {"a": 1}, fail)


class Main(Repository):
    """Has one branch, and says so whatever branch it is asked about."""

    tip = "id"

    def __init__(self):
        self.asked = []

    def get(self, path="", params=(), *, lasting=False):
        self.asked.append(path)
        return {"name": "main", "protected": True, "commit": {"id": "2" * 40}}

    def reaches(self, head, commit):
        return commit == head

    def has(self, commit):
        return True


def test_the_branch_that_was_asked_about_tells_its_tip():
    facts = about_branch(Main(), "main", "2" * 40, exists=True)
    assert facts == dict.fromkeys(OF_BRANCH, True) | {"git.head": "2" * 40}


@pytest.mark.parametrize("name", ["Main", "main/..", ".", "..", ""])
def test_what_is_said_of_another_branch_tells_no_tip(name):
    repository = Main()
    facts = about_branch(repository, name, "2" * 40, exists=True)
    assert facts == dict.fromkeys(OF_BRANCH, NO_BRANCH) | {"git.exists": True}
    assert repository.asked in ([], [f"branches/{name.replace('/', '%2F')}"])
