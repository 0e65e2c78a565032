"""Facts that no source is connected for: unknown with that sentence, and never "go"."""

import pytest

from approvals.context.collect import NO_SOURCE, with_sourceless
from approvals.lifecycle.redeem import fresh_facts
from approvals.models import Reading
from approvals.queries.facts import fact_rows, grouped
from approvals.queries.labels import GROUPS, LABELS
from approvals.states import Status
from policies.language.document import read_facts
from policies.language.facts import Facts, Known
from policies.language.schema import SCHEMAS
from policies.queries import pinned_policies
from portal.kernel.errors import Invalid
from tests.factories import ask, put_in_force

pytestmark = pytest.mark.django_db

UNTOLD = ["ci.state", "pr.approvals", "metric.error_rate", "flag.open"]
READS = {
    "ci.state": "ci.state != 'success'",
    "pr.approvals": "pr.approvals < 1",
    "metric.error_rate": "metric.error_rate > 0.01",
    "flag.open": "!flag.open",
}
POLICY = """\
policy: other
facts: v1
match: {{projects: ["**"], environments: ["*"], actions: ["*"]}}
rules: [{{id: one, when: "{when}", {effect}}}]
default: {{require: {{count: 1, from: [team-leads]}}}}
"""


def in_force(who, name, effect):
    put_in_force(who.admin, who.deputy, POLICY.format(when=READS[name], effect=effect))


@pytest.mark.parametrize("name", UNTOLD)
def test_a_deny_on_it_blocks_and_says_why(who, name):
    in_force(who, name, "deny: No.")
    request = ask(who, "staging")
    assert (request.status, request.verdict.outcome) == (Status.PENDING, "blocked")
    stored = Facts.from_json(request.snapshot.facts)
    assert stored.state(name) == NO_SOURCE
    assert not set(UNTOLD) - {name} & stored.keys()
    assert not Reading.objects.filter(request=request).exists()
    rows = fact_rows(request.snapshot, [], held=[], used=[name], failing=[])
    (row,) = [row for group in grouped(rows) for row in group.facts if row.name == name]
    assert (row.status, row.reason) == ("unknown", "no source is connected for it")


@pytest.mark.parametrize("name", UNTOLD)
def test_an_approve_on_it_lets_nothing_through(who, name):
    in_force(who, name, "approve: auto")
    request = ask(who, "staging")
    assert (request.status, request.verdict.outcome) == (Status.PENDING, "review")


def test_what_is_read_at_redeem_says_the_same(who):
    in_force(who, "metric.error_rate", "level: advisory, note: Look.")
    request = ask(who, "staging")
    policies = pinned_policies(request.pinned)
    assert fresh_facts(request, policies).state("metric.error_rate") == NO_SOURCE


def test_a_fact_that_is_there_stays(who):
    in_force(who, "flag.open", "level: advisory, note: Look.")
    request = ask(who, "staging")
    facts = Facts.from_json(request.snapshot.facts)
    assert with_sourceless(facts, read_facts(pinned_policies(request.pinned))) is facts
    assert isinstance(facts.state("request.project"), Known)


@pytest.mark.parametrize("name", ["ci.state", "ci.total", "pr.merged", "deployment.state"])
def test_what_the_forge_tells_cannot_be_claimed(who, name):
    ask(who, "staging", claims={"tests.passed": True})
    with pytest.raises(Invalid, match="is not for the pipeline to say: a connected forge tells"):
        ask(who, "staging", claims={name: SCHEMAS["v1"][name].example})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("git.signed", "is not for the pipeline to say: the portal finds it out"),
        ("metric.error_rate", "is not for the pipeline to say: the portal finds it out"),
        ("request.actor", "is no fact a pipeline may claim"),
        ("no.such", "is no fact a pipeline may claim"),
    ],
)
def test_every_other_refused_claim_says_why(who, name, why):
    with pytest.raises(Invalid, match=why):
        ask(who, "staging", claims={name: 1})


def test_every_group_has_a_heading_on_the_request_page():
    assert set(GROUPS) == SCHEMAS["v1"].words


def test_every_label_is_of_a_fact():
    assert [name for name in LABELS if name not in SCHEMAS["v1"]] == []
