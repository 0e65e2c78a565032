"""Somebody leaves a group or is deactivated: what counted on them is looked at again at once."""

import pytest

from approvals.lifecycle import departures as looks
from approvals.lifecycle.departures import departures, look_at_departures
from approvals.models import Verdict
from portal.accounts.people import deactivate_person
from portal.directory.groups import add_member, remove_member
from portal.directory.models import ApproverGroup, Departure, Membership
from portal.ledger.models import Entry
from tests.factories import STAGING_AUTO, ask, company, decide, redeem

TWO_LEADS = STAGING_AUTO.replace(
    "require: {count: 1, from: [team-leads]}\ndefault",
    "require: {count: 2, from: [team-leads]}\ndefault",
)


@pytest.fixture
def leads(who):
    return ApproverGroup.objects.get(name="team-leads")


def remove(who, leads, person):
    remove_member(by=who.admin, group=leads, person=person)
    count = look_at_departures()
    assert not departures()
    return count


def test_an_approval_without_its_vote_is_back_in_the_queue(who, leads):
    request, other = decide(ask(who), who.alice), decide(ask(who), who.bob)
    assert remove(who, leads, who.alice) == 1
    request.refresh_from_db()
    other.refresh_from_db()
    assert (request.status, request.round) == ("pending", 2)
    assert request.drift[0]["new"] == "not counted: whoever gave it is not in team-leads"
    found = Entry.objects.filter(request=request.pk).order_by("id").values_list("type", flat=True)
    assert "drift.found" in found
    assert (other.status, other.round) == ("approved", 1)
    assert redeem(who, other).status == "issued"
    assert decide(request, who.bob).status == "approved", "somebody else may decide now"


def test_deactivating_somebody_does_the_same(who, leads):
    request = decide(ask(who), who.alice)
    deactivate_person(by=who.admin, person=who.alice)
    look_at_departures()
    request.refresh_from_db()
    assert (request.status, request.round) == ("pending", 2)
    assert request.drift[0]["new"] == "not counted: the account is deactivated"


def test_a_vote_more_than_asked_keeps_the_approval(who, leads):
    add_member(by=who.admin, group=leads, person=who.mallory)
    request = ask(who)
    decide(request, who.alice)
    remove(who, leads, who.bob)
    request.refresh_from_db()
    assert (request.status, request.round) == ("approved", 1)


def test_what_nobody_can_decide_any_more_is_denied_at_once(who, leads):
    request = ask(who)
    remove(who, leads, who.alice)
    request.refresh_from_db()
    assert request.status == "pending", "Bob is left"
    remove(who, leads, who.bob)
    request.refresh_from_db()
    assert request.status == "denied"
    assert "not enough people there may decide" in request.ended_reason


def test_whoever_takes_the_right_away_the_look_is_due(who, leads):
    Membership.objects.filter(person=who.alice).delete()
    assert Departure.objects.get().person == who.alice
    type(who.bob).objects.filter(pk=who.bob.pk).update(is_active=False)
    assert Departure.objects.filter(person=who.bob, group=leads).exists()
    who.bob.refresh_from_db()
    who.bob.save()
    assert Departure.objects.count() == 2, "once, not with each save"


def test_looking_twice_writes_nothing_more(who, leads):
    request = decide(ask(who), who.alice)
    ask(who)
    remove(who, leads, who.alice)
    entries, verdicts = Entry.objects.count(), Verdict.objects.count()
    Departure.objects.create(group=leads, person=who.alice)
    assert look_at_departures() == 2
    assert (Entry.objects.count(), Verdict.objects.count()) == (entries, verdicts)
    request.refresh_from_db()
    assert request.round == 2


def test_a_look_that_was_cut_short_goes_on_where_it_stood(who, leads, monkeypatch):
    requests = [ask(who) for _ in range(3)]
    remove_member(by=who.admin, group=leads, person=who.alice)
    monkeypatch.setattr(looks, "BATCH", 2)
    monkeypatch.setattr(looks, "LONGEST", -1.0)
    assert look_at_departures() == 2
    assert Departure.objects.get().up_to == requests[1].pk
    assert look_at_departures() == 1
    assert look_at_departures() == 0
    assert not departures()


def test_the_vote_of_who_left_is_not_counted_while_it_waits(db):
    who = company(TWO_LEADS)
    leads = ApproverGroup.objects.get(name="team-leads")
    add_member(by=who.admin, group=leads, person=who.mallory)
    request = decide(ask(who), who.alice)
    assert (request.status, request.given) == ("pending", 1)
    remove(who, leads, who.alice)
    request.refresh_from_db()
    assert (request.status, request.round, request.given) == ("pending", 1, 0)
    decide(request, who.bob)
    assert decide(request, who.mallory).status == "approved"
