"""What a held fact does that has no value, or a very long one; what a new policy does meanwhile."""

import pytest

from approvals.lifecycle.decide import SnapshotMoved
from approvals.lifecycle.redeem import Drift
from approvals.lifecycle.rejudge import current_facts
from approvals.models import Permit
from approvals.queries.page import request_page
from policies.models import Policy
from policies.publishing import publish_version, save_version
from portal.kernel.clock import now
from portal.kernel.errors import Forbidden
from portal.ledger.models import Entry
from tests.factories import STAGING_AUTO, ask, company, decide, redeem

pytestmark = pytest.mark.django_db


def held(fact):
    return STAGING_AUTO.replace("hold: [request.commit]", f"hold: [{fact}]")


def test_nothing_is_let_through_on_a_held_fact_that_nobody_can_know(db):
    who = company(held("git.head"))  # the project has no repository
    request = ask(who, "staging")
    assert request.status == "pending"
    texts = [line.text for line in request_page(who.alice, request.id).requirements]
    assert "git.head must be known" in texts


def test_people_do_not_approve_past_a_held_fact_that_nobody_can_know(db):
    who = company(held("git.head"))
    request = decide(ask(who), who.alice)
    assert (request.status, request.given) == ("pending", 1)


def test_a_stricter_version_stops_what_was_approved_before(who):
    request = decide(ask(who), who.alice)
    stop = "  - {id: stop, when: \"request.tier == 'production'\", deny: An incident is open.}\n"
    text = Policy.objects.get().in_force.text.replace("rules:\n", f"rules:\n{stop}")
    version = save_version(by=who.admin, policy=Policy.objects.get(), text=text)
    publish_version(by=who.deputy, version=version)
    with pytest.raises(Drift):
        redeem(who, request)
    request.refresh_from_db()
    assert request.status == "denied"
    assert not Permit.objects.exists()


def test_a_looser_version_frees_nothing_that_waits(who):
    request = ask(who)
    text = Policy.objects.get().in_force.text.replace(
        "require: {count: 1, from: [team-leads]}\ndefault", "approve: auto\ndefault"
    )
    version = save_version(by=who.admin, policy=Policy.objects.get(), text=text)
    publish_version(by=who.deputy, version=version)
    with pytest.raises(SnapshotMoved):  # who decides has to see that both versions judge now
        decide(request, who.alice)
    assert decide(request, who.alice).status == "approved"
    assert redeem(who, request).status == "issued"
    assert current_facts(request, now())


def test_a_refused_person_is_on_record_once_however_often_they_try(who):
    request = ask(who, run={"id": "5", "attempt": 1, "actor": "alice"})
    for _ in range(3):
        with pytest.raises(Forbidden):
            decide(request, who.alice)
    found = Entry.objects.filter(request=request.pk, type="decision.refused")
    assert found.count() == 1
