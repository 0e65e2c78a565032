"""How rules and policies combine (the policy reference, "Combining")."""

import pytest

from policies.language.conditions import Truth
from policies.language.document import PinnedPolicy, Requirement, matches, needed_facts
from policies.language.evaluate import NO_POLICY, NO_TARGET, evaluate
from policies.language.parse import parse_policy
from policies.language.verdict import Obligation, Outcome
from portal.kernel.canonical import canonical
from tests.unit.policies.builders import GONE, PENDING, TARGET, document, facts, judge, pinned

ANYONE = Obligation("shop", "default", Requirement(1, ("anyone",)))
LEAD = Obligation("shop", "lead", Requirement(1, ("leads",)))
DBA = Obligation("shop", "dba", Requirement(2, ("dba", "leads")))

APPROVE = "  - {id: auto, when: git.signed, approve: auto}\n"
LEADS = "  - {id: lead, when: git.is_head, require: {count: 1, from: [leads]}}\n"
DBAS = "  - {id: dba, when: git.exists, require: {count: 2, from: [leads, dba]}}\n"
DENY = "  - {id: off-branch, when: '!git.on_branch', deny: 'Not on the branch: {git.head}.'}\n"


@pytest.mark.parametrize(
    ("rules", "values", "outcome", "obligations"),
    [
        # Nothing certain: the default.
        ("", {}, "review", [ANYONE]),
        (APPROVE, {"git.signed": False}, "review", [ANYONE]),
        (LEADS, {"git.is_head": False}, "review", [ANYONE]),
        # Approve counts only when certain, and only when nobody is asked.
        (APPROVE, {"git.signed": True}, "allow", []),
        (APPROVE, {"git.signed": GONE}, "review", [ANYONE]),
        (APPROVE, {"git.signed": PENDING}, "review", [ANYONE]),
        (APPROVE + LEADS, {"git.signed": True, "git.is_head": False}, "allow", []),
        (APPROVE + LEADS, {"git.signed": True, "git.is_head": True}, "review", [LEAD]),
        (APPROVE + LEADS, {"git.signed": True, "git.is_head": GONE}, "review", [ANYONE, LEAD]),
        (APPROVE + LEADS, {"git.signed": GONE, "git.is_head": True}, "review", [LEAD]),
        # Require adds up, and unknown counts as true.
        (LEADS + DBAS, {"git.is_head": True, "git.exists": True}, "review", [DBA, LEAD]),
        (LEADS + DBAS, {"git.is_head": True, "git.exists": GONE}, "review", [DBA, LEAD]),
        (LEADS + DBAS, {"git.is_head": GONE, "git.exists": GONE}, "review", [DBA, ANYONE, LEAD]),
        # Deny: certain denies, unknown blocks.
        (DENY + APPROVE, {"git.on_branch": False, "git.signed": True}, "deny", []),
        (DENY + APPROVE, {"git.on_branch": True, "git.signed": True}, "allow", []),
        (DENY + APPROVE, {"git.on_branch": GONE, "git.signed": True}, "blocked", []),
        (DENY + APPROVE, {"git.on_branch": PENDING, "git.signed": True}, "blocked", []),
        (DENY + LEADS, {"git.on_branch": GONE, "git.is_head": True}, "blocked", [LEAD]),
    ],
)
def test_rules_combine(rules, values, outcome, obligations):
    verdict = judge("rules:\n" + rules if rules else "", values)
    assert verdict.outcome == outcome
    assert list(verdict.obligations) == obligations


LABELLED = "  - {id: lead, when: \"'hotfix' in request.labels || git.is_head\", \
require: {count: 1, from: [leads]}}\n"


@pytest.mark.parametrize(
    ("values", "obligations"),
    [
        ({"request.labels": [], "git.is_head": False}, [ANYONE]),
        ({"request.labels": ["hotfix"], "git.is_head": False}, [ANYONE, LEAD]),
        ({"request.labels": ["hotfix"], "git.is_head": True}, [LEAD]),
        ({"request.labels": [], "git.is_head": True}, [LEAD]),
    ],
)
def test_a_rule_that_rests_on_a_claim_adds_to_the_default(values, obligations):
    assert list(judge("rules:\n" + LABELLED, values).obligations) == obligations


def test_a_fact_that_could_still_lift_the_default_is_waited_for():
    verdict = judge("rules:\n" + LABELLED, {"request.labels": ["hotfix"], "git.is_head": PENDING})
    assert list(verdict.obligations) == [ANYONE, LEAD]
    assert verdict.pending_facts == {"git.is_head"}


def test_no_policy_at_all_denies():
    verdict = evaluate([], facts())
    assert verdict.outcome is Outcome.DENY
    assert verdict.sentences() == (NO_POLICY,)
    assert verdict.settled


def test_a_policy_for_something_else_is_as_good_as_none():
    text = (
        "policy: other\nfacts: v1\n"
        "match: {projects: [other], environments: ['*'], actions: ['*']}\n"
        "rules:\n  - {id: all, when: 'true', approve: auto}\n"
        "default: {require: {count: 1, from: [anyone]}}\n"
    )
    other = PinnedPolicy(parse_policy(text), 1, "sha256:1")
    assert evaluate([other], facts()).sentences() == (NO_POLICY,)
    assert evaluate([other], facts({"request.project": "other"})).outcome is Outcome.ALLOW


@pytest.mark.parametrize("name", ["request.project", "request.environment", "request.action"])
def test_an_unknown_target_denies(name):
    approve = pinned("rules:\n  - {id: all, when: 'true', approve: auto}\n")
    assert evaluate([approve], facts()).outcome is Outcome.ALLOW
    verdict = evaluate([approve], facts().without([name]))
    assert verdict.outcome is Outcome.DENY
    assert verdict.sentences() == (NO_TARGET,)


def test_one_policy_cannot_lift_what_another_asks():
    approve = pinned("rules:\n  - {id: all, when: 'true', approve: auto}\n", name="a")
    plain = pinned(name="b")
    verdict = evaluate([approve, plain], facts())
    assert verdict.outcome is Outcome.REVIEW
    assert verdict.obligations == (Obligation("b", "default", Requirement(1, ("anyone",))),)


def test_joined_policies_take_the_shortest_times_and_hold_the_union():
    first = pinned("valid_for: 8h\ndecide_within: 1h\nhold: [git.head]\n", name="a")
    second = pinned("valid_for: 30m\ndecide_within: 2h\nhold: [git.paths, git.head]\n", name="b")
    verdict = evaluate([second, first], facts())
    assert (verdict.valid_for, verdict.decide_within) == (1800, 3600)
    assert verdict.hold == ("git.head", "git.paths")
    assert [one.policy for one in verdict.policies] == ["a", "b"]


def test_the_same_version_given_twice_counts_once():
    policy = pinned()
    assert evaluate([policy, policy], facts()) == evaluate([policy], facts())


def test_two_versions_of_one_policy_are_both_judged():
    verdict = evaluate([pinned(version=1), pinned(DENY.join(["rules:\n", ""]), version=2)], facts())
    assert [one.version for one in verdict.policies] == [1, 2]
    assert verdict.outcome is Outcome.BLOCKED


def test_a_denial_says_its_facts_and_shows_hidden_characters():
    values = {"git.on_branch": False, "git.head": "ab\u202ecd\nef"}
    assert judge("rules:\n" + DENY, values).sentences()[0] == (
        "Not on the branch: ab\u27e8U+202E\u27e9cd ef."
    )
    del values["git.head"]
    assert judge("rules:\n" + DENY, values).sentences()[0] == "Not on the branch: unknown."


def test_a_denial_cuts_long_values():
    values = {"git.on_branch": False, "git.head": "x" * 5_000}
    assert len(judge("rules:\n" + DENY, values).denials[0].sentence) < 300


@pytest.mark.parametrize(
    ("rules", "values", "pending"),
    [
        (APPROVE, {"git.signed": PENDING}, {"git.signed"}),
        (APPROVE, {"git.signed": GONE}, set()),
        (APPROVE, {"git.signed": True}, set()),
        # People are asked anyway: an approve can change nothing.
        (APPROVE + LEADS, {"git.signed": PENDING, "git.is_head": True}, set()),
        (APPROVE + LEADS, {"git.signed": PENDING, "git.is_head": GONE}, set()),
        (APPROVE + LEADS, {"git.signed": PENDING, "git.is_head": False}, {"git.signed"}),
        (APPROVE + LEADS, {"git.signed": True, "git.is_head": PENDING}, {"git.is_head"}),
        # A certain deny is not softened by whatever comes.
        (DENY + LEADS, {"git.on_branch": False, "git.is_head": PENDING}, set()),
        (DENY + LEADS, {"git.on_branch": PENDING, "git.is_head": True}, {"git.on_branch"}),
        (DENY + LEADS, {"git.on_branch": GONE, "git.is_head": PENDING}, {"git.is_head"}),
    ],
)
def test_a_verdict_is_settled_when_nothing_pending_can_change_it(rules, values, pending):
    verdict = judge("rules:\n" + rules, values)
    assert verdict.pending_facts == pending
    assert verdict.settled is not verdict.waiting_on_pending
    assert verdict.settled is (not pending)


def test_a_fact_that_only_a_sentence_shows_holds_nothing_up():
    verdict = judge("rules:\n" + DENY, {"git.on_branch": True, "git.head": PENDING})
    assert verdict.settled


def test_a_blocked_verdict_names_the_facts_it_waits_for():
    verdict = judge("rules:\n" + DENY + LEADS, {"git.on_branch": GONE})
    assert verdict.blocking == ("git.on_branch",)
    assert verdict.unknown == ("git.is_head", "git.on_branch")
    assert any("git.on_branch is unknown (the source failed)" in s for s in verdict.sentences())


def test_a_condition_that_cannot_be_computed_blocks_for_good():
    rule = "rules:\n  - {id: odd, when: 1 / git.deletions > 2, deny: x}\n"
    verdict = judge(rule, {"git.deletions": 0})
    assert verdict.outcome is Outcome.BLOCKED
    assert verdict.settled
    assert "cannot be computed (divide by zero)" in verdict.sentences()[0]


def test_each_rule_is_explained_with_its_definitions_and_facts():
    body = (
        "define:\n  signed: git.signed\n  fine: signed && git.exists\n  unused: git.is_head\n"
        "rules:\n  - {id: auto, when: fine && git.files_changed < 5, approve: auto}\n"
    )
    verdict = judge(body, {"git.signed": True, "git.files_changed": 3})
    rule, default = verdict.explanation
    assert (rule.rule, rule.effect, rule.result) == ("auto", "approve", "cannot_tell")
    assert rule.condition == "fine && git.files_changed < 5"
    assert [(one.name, one.truth) for one in rule.named] == [
        ("signed", Truth.TRUE),
        ("fine", Truth.UNKNOWN),
    ]
    assert rule.named[1].names == ("signed",)
    assert [fact.name for fact in rule.facts] == ["git.files_changed"]
    assert "git.exists is unknown (not gathered yet)" in rule.sentence
    assert (default.rule, default.result) == ("default", "applies")


def test_a_rule_that_does_not_apply_says_when_it_would():
    verdict = judge("rules:\n" + LEADS, {"git.is_head": False})
    assert verdict.explanation[0].sentence == (
        "shop/lead: does not apply; it asks for 1 approval from leads when git.is_head."
    )


def test_a_verdict_has_a_canonical_form_with_long_lists_cut():
    rule = "rules:\n  - {id: p, when: \"'x' in git.paths\", deny: x}\n"
    values = {"git.paths": [f"{n}" for n in range(2_000)]}
    verdict = judge(rule, values)
    form = verdict.to_json()
    assert len(canonical(form)) < 5_000
    assert form["outcome"] == "review"
    (fact,) = form["explanation"][0]["facts"]
    assert (len(fact["value"]), fact["total"]) == (20, 2_000)


def test_definitions_that_share_definitions_are_explained_once_each():
    chain = "".join(f"  a{n}: a{n - 1} || a{n - 2}\n" for n in range(2, 60))
    body = "define:\n  a0: git.signed\n  a1: git.exists\n" + chain
    verdict = judge(body + "rules:\n  - {id: x, when: a59, deny: x}\n")
    assert len(verdict.explanation[0].named) == 60


def test_needed_facts_are_those_that_decide_and_those_held():
    policy = pinned("rules:\n" + DENY + LEADS + "hold: [git.paths]\n")
    assert needed_facts([policy]) == {"git.on_branch", "git.is_head", "git.paths"}
    assert needed_facts([]) == frozenset()


def test_a_policy_matches_by_project_environment_and_action():
    policy = document()
    assert matches(policy, *(TARGET[f"request.{w}"] for w in ("project", "environment", "action")))
