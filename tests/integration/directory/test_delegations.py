"""Delegations: who names whom, for how long, and what is recorded."""

from datetime import timedelta

import pytest
from django.urls import reverse

from portal.access import grant_role
from portal.directory.delegations import create_delegation, end_delegation
from portal.directory.groups import add_member
from portal.directory.models import Delegation
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Invalid
from tests.integration.company import entries, last_entry
from tests.integration.pages import as_, text


def lend(company, **fields):
    """Gus lets Olga decide on behalf of Vera."""
    start = now()
    values = {
        "by": company.gus,
        "group": company.leads,
        "delegator": company.vera,
        "delegate": company.olga,
        "starts_at": start,
        "ends_at": start + timedelta(days=7),
        "reason": "Vera climbs",
    }
    return create_delegation(**{**values, **fields})


def test_a_manager_names_a_delegate_and_it_is_recorded_without_words(company):
    delegation = lend(company)
    assert delegation.stands
    entry = last_entry("delegation.created")
    assert str(company.vera.actor_ref) in entry
    assert str(company.olga.actor_ref) in entry
    assert "climbs" not in entry


@pytest.mark.parametrize("name", ["max", "vera", "olga"])
def test_nobody_but_managers_names_delegates(company, name):
    with pytest.raises(Forbidden):
        lend(company, by=getattr(company, name))
    assert lend(company)


def test_a_manager_does_not_become_the_delegate(company):
    with pytest.raises(Forbidden, match="cannot make yourself"):
        lend(company, delegate=company.gus)
    assert lend(company, by=company.ada, delegate=company.gus)


def test_who_and_when_are_checked(company):
    at = now()
    for refused, words in (
        ({"delegator": company.olga, "delegate": company.max}, "Only a member"),
        ({"delegate": company.vera}, "Nobody represents themselves"),
        ({"ends_at": at - timedelta(days=1)}, "ends before it begins"),
        ({"starts_at": at - timedelta(days=2), "ends_at": at - timedelta(days=1)}, "is over"),
        ({"ends_at": at + timedelta(days=93)}, "at most 92 days"),
        ({"reason": " "}, "Say why"),
        ({"reason": "x" * 501}, "at most 500"),
    ):
        with pytest.raises(Invalid, match=words):
            lend(company, **refused)
    assert not Delegation.objects.exists()
    assert lend(company)


def test_a_member_is_no_delegate_in_their_own_group(company):
    add_member(by=company.gus, group=company.leads, person=company.olga)
    with pytest.raises(Invalid, match="in their own name"):
        lend(company)


def test_nobody_deactivated_lends_or_borrows(company):
    type(company.olga).objects.filter(pk=company.olga.pk).update(is_active=False)
    company.olga.refresh_from_db()
    with pytest.raises(Conflict):
        lend(company)


@pytest.mark.parametrize("name", ["gus", "vera", "olga", "ada"])
def test_managers_and_both_people_end_it_once(company, name):
    delegation = lend(company)
    with pytest.raises(Forbidden):
        end_delegation(by=company.max, delegation=delegation)
    for _ in range(2):
        end_delegation(by=getattr(company, name), delegation=delegation)
    delegation.refresh_from_db()
    assert not delegation.stands
    assert len(entries("delegation.ended")) == 1


def test_the_pages_name_and_end_a_delegate(company):
    gus, group = as_(company.gus), reverse("group", args=[company.leads.pk])
    new = reverse("delegation-new", args=[company.leads.pk])
    assert "Name a delegate in leads" in text(gus.get(f"{new}?delegator={company.vera.pk}"))
    start = now()
    form = {
        "delegator": company.vera.pk,
        "delegate": "olga",
        "starts_at": f"{start:%Y-%m-%dT%H:%M}",
        "ends_at": f"{start + timedelta(days=1):%Y-%m-%dT%H:%M}",
        "reason": "Vera climbs",
    }
    assert "Nobody active signs in" in text(gus.post(new, {**form, "delegate": "nobody"}))
    assert "Delegate named" in text(gus.post(new, form, follow=True))
    assert "Vera climbs" in text(gus.get(group))
    assert "Vera climbs" not in text(as_(company.max).get(group)), "why is not for everybody"
    assert "Olga" in text(as_(company.max).get(group))
    end = reverse("delegation-end", args=[company.leads.pk, Delegation.objects.get().pk])
    assert as_(company.max).get(end).status_code == 403
    olga = as_(company.olga)
    assert "End the delegation of Vera to Olga?" in text(olga.get(end))
    assert "Delegation ended" in text(olga.post(end, follow=True))
    assert olga.get(end).status_code == 404


def test_the_choice_offers_members_only(company):
    grant_role(by=company.ada, to=company.max, role="group-manager", target=company.leads)
    page = as_(company.max).get(reverse("delegation-new", args=[company.leads.pk]))
    assert list(page.context["form"].fields["delegator"].queryset) == [company.vera]
