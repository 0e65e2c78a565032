"""Invariant 5: a claimed fact may only tighten, and what cannot be shown to tighten is refused."""

import pytest

from tests.unit.policies.builders import document, one_rule, problems_of

DEFINE = """\
define:
  prod: request.tier == 'production'
  hotfix: "'hotfix' in request.labels"
  troubled: history.failures_7d > 0
  excused: hotfix && troubled
  not_hotfix: "!hotfix"
"""
REQUIRE = "require: {count: 2, from: [team-leads]}"

TIGHTENS = [
    "'hotfix' in request.labels",
    "prod && hotfix",
    "prod || hotfix",
    "prod && (hotfix || tests.passed)",
    "request.system == 'failure'",
    "request.system in ['failure', 'error']",
    "tests.passed == true",
    "tests.passed != false",
    "terraform.destroyed.size() > 0",
    "terraform.destroyed.size() >= 1",
    "0 < size(terraform.destroyed)",
    "terraform.destroyed.exists(c, c.startsWith('security'))",
    "git.paths.exists(p, p.endsWith('.sql') && hotfix)",
    "git.paths.all(p, p.endsWith('.sql') && hotfix)",
    "request.labels.exists(l, true)",
    "deploy.canary_error_rate > 0.01",
    "deploy.canary_error_rate > deploy.baseline_error_rate * 2.0",
    "request.actor == git.author",
    "request.actor in git.authors",
    "request.reason.contains('urgent')",
    "request.job.matches('^deploy')",
    "prod ? hotfix : false",
    "!(!hotfix)",
    "!not_hotfix",
    # Joined: the claim excuses only while the portal itself sees a reason.
    "prod && !(hotfix && history.failures_7d > 0)",
    "prod && !(hotfix && troubled && git.signed)",
    "prod && !((hotfix || tests.passed) && troubled)",
    "prod && !excused",
]

LOOSENS = [
    "prod && !hotfix",
    "!hotfix",
    "not_hotfix",
    "prod && not_hotfix",
    "!('hotfix' in request.labels)",
    "!tests.passed",
    "tests.passed == false",
    "tests.passed != true",
    "hotfix == false",
    "(!hotfix) == true",
    "[hotfix] == [false]",
    "hotfix in [false]",
    "hotfix < true",
    "hotfix ? false : true",
    "hotfix ? prod : prod",
    "request.system != 'success'",
    "!(request.system == 'success')",
    "!(request.system in ['success'])",
    "terraform.destroyed.size() == 0",
    "terraform.destroyed.size() < 1",
    "terraform.destroyed.size() >= 0",
    "0 > size(terraform.destroyed)",
    "terraform.destroyed == ['x']",
    "terraform.destroyed.all(c, c == 'x')",
    "terraform.destroyed.exists_one(c, c == 'x')",
    "terraform.destroyed.exists(c, !(c == 'x'))",
    "terraform.destroyed.exists(c, c != 'x')",
    "!terraform.destroyed.exists(c, c == 'x')",
    "!request.labels.exists(l, true)",
    "request.labels[0] == 'x'",
    "request.reason == ''",
    "request.reason.size() < 20",
    "request.reason.startsWith('')",
    "request.reason.matches('.*')",
    "request.reason + 'x' == 'x'",
    "matches_path(request.job, '**')",
    "git.paths.exists(p, p != request.job)",
    "request.actor != git.author",
    "!(deploy.canary_error_rate < 0.01)",
    # Facts of the request join nothing: the caller picks the target too.
    "!(hotfix && request.tier == 'staging')",
    "!(hotfix && prod)",
    "!(hotfix || troubled)",
    "troubled && !hotfix",
    "!(troubled && !(!hotfix)) && !hotfix",
    "!(tests.passed && hotfix)",
]


@pytest.mark.parametrize("effect", ["deny: No.", REQUIRE])
@pytest.mark.parametrize("when", TIGHTENS)
def test_a_claim_that_tightens_is_taken(when, effect):
    assert document(DEFINE + one_rule(when, effect)).rules[0].when.text.strip() == when


@pytest.mark.parametrize("effect", ["deny: No.", REQUIRE])
@pytest.mark.parametrize("when", LOOSENS)
def test_a_claim_that_could_loosen_is_refused(when, effect):
    found = problems_of(DEFINE + one_rule(when, effect))
    assert all("could loosen this rule" in one.message for one in found)


@pytest.mark.parametrize("when", [*TIGHTENS, *LOOSENS])
def test_no_claim_approves(when):
    (found,) = problems_of(DEFINE + one_rule(when, "approve: auto"))
    assert "only attested facts approve" in found.message


@pytest.mark.parametrize(
    "when", ["prod && git.signed", "!prod", "request.tier != 'production'", "!troubled", "true"]
)
@pytest.mark.parametrize("effect", ["deny: No.", REQUIRE, "approve: auto"])
def test_attested_facts_may_be_used_in_any_way(when, effect):
    assert document(DEFINE + one_rule(when, effect))


def test_the_refusal_stands_where_the_claim_is_and_says_how_to_write_it():
    (found,) = problems_of(DEFINE + "rules:\n  - {id: a, when: prod && not_hotfix, deny: x}\n")
    assert (found.line, found.column) == (12, 27)
    assert "request.labels" in found.message
    assert "'not_hotfix' reads it" in found.message
    assert "as in !(hotfix && history.failures_7d > 0)" in found.message


def test_a_chain_of_definitions_is_linted_in_no_time():
    chain = "".join(f"  a{n}: a{n - 1} || a{n - 1}\n" for n in range(1, 60))
    body = "define:\n  a0: git.signed\n" + chain
    assert document(body + one_rule("a59 && 'x' in request.labels"))
