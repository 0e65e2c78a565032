"""The tests inside a document: what they leave out, what they compare, how they differ."""

from dataclasses import replace

import pytest

from policies.language.document import Match
from policies.language.testing import run_cases
from tests.unit.policies.builders import document

BODY = """\
MODE
define:
  prod: request.tier == 'production'
rules:
  - {id: signed, when: "!git.signed", deny: Not signed.}
  - {id: gone, when: prod && !git.exists, deny: There is no such commit.}
  - {id: db, when: "prod && matches_path(git.paths, 'db/**')", require: {count: 2, from: [dba]}}
  - {id: lead, when: prod, require: {count: 1, from: [leads]}}
  - {id: auto, when: request.tier == 'staging', approve: auto}
  - {id: short, when: git.diff_lines > 100, limit: {valid_for: 10m}}
  - {id: large, level: advisory, when: git.diff_lines > 100, deny: Very large.}
risk: {high: prod && git.diff_lines > 100, medium: prod}
on_unavailable: {git.signed: {require: {count: 1, from: [oncall]}}}
tests:
  - name: it
    given: {GIVEN}
    expect: {EXPECT}
"""
PROD = "request.tier: production"


def outcome(given, expect, mode="enforce"):
    """The differences of a document's one test."""
    body = BODY.replace("MODE", f"mode: {mode}")
    (result,) = run_cases(document(body.replace("GIVEN", given).replace("EXPECT", expect)))
    assert result.passed is (not result.differences)
    return list(result.differences)


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        # What is not named is left out: no test has to name every fact of the document.
        (PROD, "verdict: review, because: [lead]"),
        ("request.tier: staging", "verdict: allow, because: [auto]"),
        ("", "verdict: review, because: [default]"),
        # ~ is unknown: require counts as true, deny blocks.
        (f"{PROD}, git.paths: ~", "verdict: review, because: [db, lead]"),
        (f"{PROD}, git.exists: ~", "verdict: blocked, because: [gone]"),
        (f"{PROD}, git.signed: ~", "verdict: review, because: [lead, signed]"),
        (f"{PROD}, git.signed: ~, git.exists: ~", "verdict: blocked, because: [gone]"),
        (f"{PROD}, git.signed: false, git.exists: ~", "verdict: deny, because: [signed]"),
        (f"{PROD}, git.paths: [db/1]", "verdict: review, because: [lead, db]"),
        (f"{PROD}, git.paths: []", "verdict: review, because: [lead]"),
        ("request.tier: ~", "verdict: blocked, because: [gone]"),
        # Risk and times.
        (f"{PROD}, git.diff_lines: 101", "verdict: review, risk: high, valid_for: 10m"),
        (f"{PROD}, git.diff_lines: 100", "verdict: review, risk: medium, valid_for: 1h"),
        (f"{PROD}, git.diff_lines: ~", "verdict: review, risk: high, valid_for: 10m"),
        (PROD, "verdict: review, risk: medium, valid_for: 1h"),
        ("request.tier: staging", "verdict: allow, risk: low"),
        # The target is one that the policy matches, unless the test names another.
        ("request.action: teardown", "verdict: review"),
        ("request.project: ~", "verdict: deny, because: []"),
    ],
)
@pytest.mark.parametrize("mode", ["enforce", "shadow", "off"])
def test_a_test_says_what_it_is_about_and_no_more(given, expect, mode):
    assert outcome(given, expect, mode) == []


@pytest.mark.parametrize(
    ("given", "expect", "said"),
    [
        (PROD, "verdict: deny", "the verdict is review because of lead, not deny"),
        (PROD, "verdict: review, because: [db]", "it is because of lead, not db"),
        (PROD, "verdict: review, because: []", "it is because of lead, not nothing"),
        (PROD, "verdict: review, risk: high", "the risk is medium, not high"),
        (PROD, "verdict: review, valid_for: 10m", "it is valid for 3600 s, not 600 s"),
    ],
)
def test_a_difference_is_a_sentence(given, expect, said):
    assert outcome(given, expect) == [said]


def test_every_difference_is_told():
    assert len(outcome(PROD, "verdict: deny, risk: low, valid_for: 5m")) == 3


def test_a_risk_that_rests_on_what_was_not_named_is_not_told():
    assert outcome("git.signed: true", "verdict: review, risk: high") == [
        "the risk is not told, not high"
    ]


def test_a_sampled_target_matches_the_patterns():
    text = """\
    tests:
      - {name: it, given: {}, expect: {verdict: review, because: [default]}}
    """
    policy = document(text)
    for patterns in (("payments/**",), ("team-?/*/x", "never"), ("plain",)):
        moved = replace(policy, match=Match(patterns, patterns, patterns))
        assert all(result.passed for result in run_cases(moved))
