"""One approval more where an author is nobody here; nothing else moves."""

import pytest

from policies.language.facts import Unknown
from policies.simulation import Stored, replay
from portal.kernel.canonical import canonical
from tests.unit.policies.builders import GONE, PENDING, facts, judge, pinned

TWO_RULES = """\
rules:
  - {id: lead, when: "true", require: {count: 1, from: [leads]}}
  - {id: both, when: "true", require: {count: 2, from: [leads, dba], including: {dba: 1}}}
"""
ITSELF = (
    "rules:\n  - {id: lead, when: 'true', require: {count: 1, from: [a], self_approval: true}}\n"
)
AUTO = "rules:\n  - {id: auto, when: 'true', approve: auto}\n"
ABSENT = Unknown("GitLab does not say", "absent")


def counts(body, state):
    return [one.asked.count for one in judge(body, {"authors.unknown": state}).obligations]


@pytest.mark.parametrize(("state", "wanted"), [(1, [3, 2]), (7, [3, 2]), (GONE, [3, 2])])
def test_each_rule_asks_one_more(state, wanted):
    assert counts(TWO_RULES, state) == wanted
    verdict = judge(TWO_RULES, {"authors.unknown": state})
    assert verdict.to_json()["extra"] == {
        "approvals": 1,
        "sentence": verdict.extra.sentence,
    }
    assert "one approval more" in verdict.extra.sentence


@pytest.mark.parametrize("state", [0, ABSENT, PENDING])
def test_where_all_are_known_or_no_forge_tells_the_verdict_is_the_same_byte_for_byte(state):
    without = judge(TWO_RULES).to_json()
    assert canonical(judge(TWO_RULES, {"authors.unknown": state}).to_json()) == canonical(without)
    assert "extra" not in without


def test_whoever_may_approve_their_own_change_need_not_be_told_from_others():
    assert counts(ITSELF, 1) == [1]


def test_what_policy_lets_through_alone_asks_nobody():
    assert counts(AUTO, 1) == []


def test_a_backtest_counts_the_extra_approval_then_and_now():
    body = judge(TWO_RULES, {"authors.unknown": 2}).to_json()
    known = facts({"authors.unknown": 2}).to_json()
    stored = Stored(
        "shop", "production", "deploy", "review", (("shop", "then"),), body["obligations"], known
    )
    replayed = replay(pinned(TWO_RULES, version=2), [], stored)
    assert (replayed.change.differs, replayed.people) == (False, (5, 5))
