"""Out of office: said by oneself, shown where people count on one, without taking any right."""

from datetime import timedelta

import pytest
from django.urls import reverse

from portal.accounts.absence import end_absence, set_absence
from portal.accounts.erase import forget
from portal.accounts.models import Absence
from portal.directory.delegations import create_delegation
from portal.directory.models import ApproverGroup, Delegation
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from tests.factories import ask, company, decide
from tests.integration.company import entries
from tests.integration.pages import as_, text


@pytest.fixture
def who(db):
    return company()


def away(person, first=0, last=7):
    today = now().date()
    return set_absence(
        by=person,
        first_day=today + timedelta(days=first),
        last_day=today + timedelta(days=last),
    )


def lend(who):
    return create_delegation(
        by=who.admin,
        group=ApproverGroup.objects.get(name="team-leads"),
        delegator=who.alice,
        delegate=who.mallory,
        starts_at=now() - timedelta(minutes=1),
        ends_at=now() + timedelta(days=1),
        reason="Alice climbs",
    )


def test_it_is_now_on_its_days_only(who):
    assert away(who.alice).is_now
    assert not away(who.alice, first=2).is_now
    assert Absence.objects.filter(person=who.alice).count() == 1, "the newest replaces the others"


def test_days_that_are_over_or_upside_down_are_refused(who):
    for days in ((3, 1), (-5, -1)):
        with pytest.raises(Invalid):
            away(who.alice, *days)
    assert not Absence.objects.exists()


def test_the_ledger_says_that_it_changed_but_not_when_one_is_away(who):
    before = len(entries("person.changed"))
    away(who.alice)
    end_absence(by=who.alice)
    end_absence(by=who.alice)
    found = entries("person.changed")[before:]
    assert len(found) == 2
    assert '"change":{"fields":["absence"]}' in found[0]
    assert str(now().year + 1) not in found[0]


def test_group_and_request_say_who_is_away_and_who_stands_in(who):
    group = ApproverGroup.objects.get(name="team-leads")
    request = ask(who)
    pages = (reverse("group", args=[group.pk]), f"/requests/{request.id}")
    for page in pages:
        assert "out of office until" not in text(as_(who.carol).get(page)).lower()
    absence = away(who.alice)
    lend(who)
    day = f"{absence.last_day:%b %Y}"
    assert f"{day}" in text(as_(who.carol).get(pages[0]))
    said = text(as_(who.carol).get(pages[1]))
    assert f"Alice Lead is out of office until {absence.last_day.day} {day}" in said
    assert "Mallory Outside may decide on behalf of Alice Lead" in said
    assert decide(request, who.alice).status == "approved", "being away takes no right"


def test_the_page_saves_and_ends_it(who):
    alice, today = as_(who.alice), now().date()
    form = {"first_day": f"{today}", "last_day": f"{today + timedelta(days=3)}"}
    assert "I am back" not in text(alice.get(reverse("absence")))
    assert "ends before it begins" in text(
        alice.post(reverse("absence"), {**form, "last_day": f"{today - timedelta(days=1)}"})
    )
    page = text(alice.post(reverse("absence"), form, follow=True))
    assert "show that you are away" in page
    assert "I am back" in page
    assert "team-leads" in page
    assert "Welcome back" in text(alice.post(reverse("absence-end"), follow=True))
    assert not Absence.objects.exists()


def test_erasing_somebody_takes_their_days_and_reasons_along(who):
    away(who.alice)
    lend(who)
    forget(who.alice, now())
    assert not Absence.objects.exists()
    assert Delegation.objects.get().reason == ""
