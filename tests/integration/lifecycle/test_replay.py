"""Every stored verdict, evaluated again from what is stored, gives identical bytes."""

from datetime import timedelta

import pytest

from approvals.lifecycle.expire import expire_all
from approvals.lifecycle.redeem import Drift
from approvals.models import Verdict
from policies.language.evaluate import evaluate
from policies.language.facts import Facts
from policies.models import PolicyVersion
from policies.queries import pinned_policies
from portal.kernel.canonical import canonical, sha256_digest
from portal.kernel.errors import Refused
from tests.factories import ask, decide, put_in_force, redeem
from tests.integration.lifecycle.conftest import now_in_force
from tests.integration.lifecycle.test_clocks import shift

pytestmark = pytest.mark.django_db

RULES = """\
  - {id: signed, level: soft, when: "!git.signed", deny: "Not signed: {git.head}."}
  - {id: lead, when: request.tier == 'production', require: {count: 1, from: [team-leads]}}
  - {id: labelled, when: "'hotfix' in request.labels", require: {count: 2, from: [team-leads]}}
  - {id: auto, when: request.tier == 'staging' && git.diff_lines < 50, approve: auto}
  - {id: late, when: time.hour >= 20 || git.diff_lines > 100, limit: {decide_within: 2h}}
  - {id: slow, level: advisory, when: deploy.canary_error_rate > 0.01, note: "{time.now}"}
  - {id: metric, level: advisory, when: metric.error_rate > 0.01 || flag.x, note: "{text.colour}"}
  - {id: alerts, when: "'hotfix' in request.labels && alerts.count > 0", limit: {valid_for: 1h}}
"""
MORE = """\
risk: {high: git.diff_lines > 100, medium: deploy.canary_error_rate > 0.001}
tolerate: {git.diff_lines: 2}
on_unavailable: {git.signed: {require: {count: 1, from: [team-leads], self_approval: true}}}
supersede: environment
step_up: {when: "true", max_age: 10m}
escalate: [{after: 1h, notify: [team-leads]}]
"""
IDEA = """\
policy: idea
facts: v1
mode: shadow
match: {projects: ["**"], environments: ["*"], actions: ["*"]}
rules: [{id: never, when: git.diff_lines > 10, deny: "Not {git.diff_lines} lines."}]
default: {require: {count: 1, from: [team-leads]}}
"""


def policies_named(body):
    """The stored versions that a verdict names, those in shadow too."""
    named = [(ref["policy"], ref["version"]) for ref in [*body["policies"], *body["shadow"]]]
    found = [PolicyVersion.objects.get(policy__name=name, number=number) for name, number in named]
    for version, ref in zip(found, [*body["policies"], *body["shadow"]], strict=True):
        assert version.digest == ref["digest"]
    return pinned_policies([version.pk for version in found])


def live_through_everything(who, git):
    """Requests that are let through, decided, drift, expire, are blocked, denied and redeemed."""
    git.says |= {"git.signed": True, "git.diff_lines": 20, "git.paths": ["a\u202eb", "é" * 50]}
    claims = {"deploy.canary_error_rate": 0.0125, "terraform.destroyed": ["a.b"]}
    ask(who, "staging")
    redeem(who, git.come(ask(who, "staging")))
    redeem(who, decide(git.come(ask(who, claims=claims)), who.alice))
    git.come(ask(who, labels=["hotfix"], claims=claims))
    drifted = decide(git.come(ask(who, action="apply")), who.alice)
    git.says |= {"git.diff_lines": 400}
    with pytest.raises(Drift):
        redeem(who, drifted)
    decide(git.come(drifted), who.bob)
    now_in_force(who, "count: 1, from: [team-leads]}}\n  - {id: labelled",
                 "count: 2, from: [team-leads]}}\n  - {id: labelled")  # fmt: skip
    with pytest.raises(Refused):
        redeem(who, drifted)
    decide(git.come(ask(who)), who.alice, "reject", "Not now")
    git.says |= {"git.signed": False}
    git.come(ask(who, action="migrate"))
    git.fail("\x1b[31mfatal: \udc80 no such host " + "x" * 900)
    gone = ask(who, action="rotate")
    for _ in range(5):
        git.come(gone)
    shift(ask(who, action="delete"), decide_by=timedelta(seconds=-1))
    ask(who, "testing", subject={"artifact": "sha256:" + "a" * 64})
    expire_all()


def test_stored_verdicts_give_identical_bytes_again(company_with, git):
    who = company_with(RULES, hold="[git.diff_lines]", more=MORE)
    put_in_force(who.admin, who.deputy, IDEA)
    live_through_everything(who, git)
    verdicts = list(Verdict.objects.select_related("snapshot"))
    assert {one.outcome for one in verdicts} == {"allow", "review", "blocked", "deny"}
    assert {one.round for one in verdicts} >= {1, 2}
    assert len(verdicts) > 20
    for stored in verdicts:
        facts = Facts.from_json(stored.snapshot.facts)
        again = canonical(evaluate(policies_named(stored.body), facts).to_json())
        assert again == canonical(stored.body)
        assert sha256_digest(again) == stored.digest
        assert facts.to_json() == stored.snapshot.facts
