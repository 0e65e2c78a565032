"""Held facts that moved between approval and use."""

from policies.language.drift import held_changes
from tests.unit.policies.builders import GONE, PENDING, facts

OLD = facts({"git.head": "aaa", "git.files_changed": 3, "git.signed": True})
HOLD = ("git.head", "git.files_changed")


def test_the_same_facts_are_no_drift():
    assert held_changes(HOLD, OLD, OLD) == ()


def test_a_fact_that_is_not_held_may_move():
    assert held_changes(HOLD, OLD, OLD.replaced(facts({"git.signed": False}))) == ()


def test_a_change_gives_the_old_and_the_new_value():
    (change,) = held_changes(HOLD, OLD, OLD.replaced(facts({"git.head": "bbb"})))
    assert change.to_json() == {"fact": "git.head", "old": "aaa", "new": "bbb"}


def test_unknown_is_not_equal_to_anything():
    gone = OLD.replaced({"git.head": GONE})
    (change,) = held_changes(HOLD, OLD, gone)
    assert change.to_json() == {
        "fact": "git.head",
        "old": "aaa",
        "new": None,
        "note": "now: the source failed",
    }
    assert len(held_changes(HOLD, gone, OLD)) == 1
    assert len(held_changes(HOLD, gone, gone)) == 1
    assert len(held_changes(["git.head"], facts({"git.head": PENDING}), facts())) == 1


def test_changes_come_sorted_and_once():
    new = facts({"git.head": "x", "git.files_changed": 4})
    changes = held_changes([*HOLD, *HOLD], OLD, new)
    assert [change.fact for change in changes] == ["git.files_changed", "git.head"]
