"""The life of a request through the real services."""

import json

import pytest

from approvals.lifecycle.finish import finish_permit, heartbeat
from approvals.lifecycle.redeem import Drift, NotApproved
from approvals.models import Request
from approvals.states import PermitStatus
from portal.directory.groups import remove_member
from portal.directory.models import ApproverGroup
from portal.kernel.errors import Forbidden
from portal.ledger.models import Entry
from tests.factories import ask, decide, redeem


def types_of(request):
    return list(
        Entry.objects.filter(request=request.pk).order_by("id").values_list("type", flat=True)
    )


def test_staging_is_let_through_inside_the_call(who):
    request = ask(who, "staging")
    assert request.status == "approved"
    assert types_of(request) == [
        "request.submitted",
        "snapshot.captured",
        "verdict.given",
        "request.approved",
    ]


def test_testing_is_denied_with_its_sentence(who):
    request = ask(who, "testing")
    assert request.status == "denied"
    assert request.verdict.body["denials"][0]["sentence"] == "Nothing runs on testing."


def test_production_waits_is_approved_and_redeemed_once(who):
    request = ask(who)
    assert request.status == "pending"
    with pytest.raises(NotApproved):
        redeem(who, request)
    decide(request, who.alice)
    assert request.status == "approved"
    permit = redeem(who, request)
    assert redeem(who, request).id == permit.id
    request.refresh_from_db()
    assert request.status == "redeemed"
    run = {"run_id": request.run["id"], "run_attempt": 1}
    heartbeat(token=who.token, permit_id=permit.id, **run)
    done = finish_permit(
        token=who.token, permit_id=permit.id, outcome=PermitStatus.SUCCEEDED, exit_code=0, **run
    )
    assert done.status == "succeeded"
    assert types_of(request)[-5:] == [
        "decision.recorded",
        "request.approved",
        "permit.issued",
        "permit.started",
        "permit.finished",
    ]


def movers(request):
    """Who made each move of the request, as the ledger has it."""
    people = {str(request.account.actor_ref): "pipeline", "system": "system"}
    entries = Entry.objects.filter(request=request.pk).order_by("id")
    return {entry.type: people.get(entry.actor_ref, "person") for entry in entries}


def test_what_policy_does_inside_a_call_of_the_pipeline_is_not_put_down_to_it(who):
    for environment, move in (("staging", "request.approved"), ("testing", "request.denied")):
        found = movers(ask(who, environment))
        assert (found["request.submitted"], found[move]) == ("pipeline", "system")
    request = decide(ask(who), who.alice)
    found = movers(request)
    assert (found["request.pended"], found["request.approved"]) == ("system", "person")
    group = ApproverGroup.objects.get(name="team-leads")
    remove_member(by=who.admin, group=group, person=who.alice)
    with pytest.raises(Drift):
        redeem(who, request)
    assert movers(request)["drift.found"] == "system"
    decide(request, who.bob)
    redeem(who, request)
    assert movers(request)["permit.issued"] == "pipeline"


def test_one_reject_ends_it(who):
    request = decide(ask(who), who.bob, "reject", "Not today")
    assert request.status == "rejected"


def test_an_approver_removed_before_use_sends_it_back(who):
    request = decide(ask(who), who.alice)
    group = ApproverGroup.objects.get(name="team-leads")
    remove_member(by=who.admin, group=group, person=who.alice)
    with pytest.raises(Drift) as drift:
        redeem(who, request)
    request.refresh_from_db()
    assert (request.status, request.round) == ("pending", 2)
    assert drift.value.extra["drift"]
    decide(request, who.bob)
    assert redeem(who, request).status == "issued"


def test_the_history_has_no_gap_and_every_line_names_the_one_before(who):
    request = decide(ask(who), who.alice)
    redeem(who, request)
    entries = list(Entry.objects.filter(request=request.pk).order_by("id"))
    payloads = [json.loads(bytes(entry.payload)) for entry in entries]
    assert [p["seq"] for p in payloads] == list(range(1, len(entries) + 1))
    assert [p["prev"] for p in payloads] == [None] + [bytes(e.leaf).hex() for e in entries[:-1]]
    assert Request.objects.get(pk=request.pk).ledger_seq == len(entries)


def test_a_refused_decision_is_refused_and_stays_on_record(who):
    request = ask(who, run={"id": "77", "attempt": 1, "actor": "alice"})
    with pytest.raises(Forbidden) as refusal:
        decide(request, who.alice)
    assert refusal.value.code == "own-change"
    assert types_of(request)[-1] == "decision.refused"
    assert decide(request, who.bob).status == "approved"
