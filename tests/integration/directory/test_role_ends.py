"""Roles with an end: from that moment they count for nothing, whoever asks and wherever."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse

from approvals import tasks
from approvals.audit.scope import auditors_of
from approvals.queries import sight_of
from portal.access import (
    Capability,
    grant_role,
    holders,
    holds,
    permitted_ids,
    places_of,
    remove_ended,
    revoke_role,
    roles_held,
)
from portal.access.models import PERMISSION_TABLES, RoleGrant
from portal.accounts.erase import forget
from portal.accounts.people import create_person, deactivate_person
from portal.directory.models import Project
from portal.directory.queries import visible_projects
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tests.integration.company import PASSWORD, entries, last_entry
from tests.integration.pages import as_, text

SOON = timedelta(hours=2)


def grant(company, role="viewer", target=None, **wishes):
    """Olga's role, with an end two hours from now."""
    wishes = {"until": now() + SOON, **wishes}
    grant_role(by=company.ada, to=company.olga, role=role, target=target or company.shop, **wishes)


def let_end():
    """Move every end into the past; the sweep has not come by."""
    past = now() - timedelta(seconds=1)
    for table in (RoleGrant, *PERMISSION_TABLES.values()):
        table.objects.filter(until__isnull=False).update(until=past)


def whether_it_counts(company):
    """What each question says of Olga's roles on shop, its environment, its group, the portal."""
    olga, shop = company.olga, company.shop
    places = places_of(olga, Capability.VIEW)
    return {
        "on a project": holds(olga, Capability.VIEW, shop),
        "on an environment": holds(olga, Capability.VIEW, company.production),
        "on a group": holds(olga, Capability.MANAGE_GROUP, company.leads),
        "on the portal": holds(olga, Capability.AUDIT),
        "everywhere": holds(olga, Capability.AUDIT, company.bank),
        "in a list": permitted_ids(olga, Capability.VIEW, Project) != [],
        "in places": places.everywhere or bool(places.projects or places.environments),
        "in sight": sight_of(olga).projects != [],
        "among holders": any(row.user_id == olga.pk for row in holders(shop)),
        "among roles": any(person == olga for person, _ in roles_held(shop)),
        "among auditors": olga in auditors_of(None),
        "in the menu": visible_projects(olga).exists(),
        "at the door": as_(olga).get(reverse("project", args=[shop.pk])).status_code == 200,
    }


def test_a_role_counts_until_its_end_and_nowhere_after_it(company):
    for role, target in [
        ("viewer", company.shop),
        ("viewer", company.production),
        ("group-manager", company.leads),
        ("auditor", company.organisation),
    ]:
        grant(company, role, target)
    assert set(whether_it_counts(company).values()) == {True}
    let_end()
    assert set(whether_it_counts(company).values()) == {False}


def test_who_grants_by_a_role_that_ended_is_refused(company):
    grant(company, "administrator", company.organisation)
    wishes = {"by": company.olga, "to": company.vera, "role": "requester", "target": company.shop}
    grant_role(**wishes)
    let_end()
    with pytest.raises(Forbidden, match="You need the permission “administer”"):
        revoke_role(**wishes)


def test_the_sweep_removes_what_ended_and_the_ledger_says_so(company):
    grant(company)
    tasks.sweep()
    assert remove_ended() == 0
    assert entries("role.ended") == []
    let_end()
    tasks.sweep()
    assert not RoleGrant.objects.filter(person=company.olga).exists()
    assert not PERMISSION_TABLES["project"].objects.filter(user=company.olga).exists()
    entry = json.loads(last_entry("role.ended"))
    assert entry["actor"]["kind"] == "system"
    assert entry["object"]["person"] == str(company.olga.actor_ref)
    assert (entry["object"]["role"], entry["project"]) == ("viewer", str(company.shop.pk))
    tasks.sweep()
    assert len(entries("role.ended")) == 1


def test_what_another_role_gives_outlives_the_end_of_the_first(company):
    grant(company, "maintainer")
    grant(company, "viewer", until=None)
    let_end()
    assert holds(company.olga, Capability.VIEW, company.shop)
    assert not holds(company.olga, Capability.MAINTAIN, company.shop)
    remove_ended()
    assert holds(company.olga, Capability.VIEW, company.shop)


def test_of_two_ends_the_later_one_counts_and_revoking_leaves_the_other(company):
    grant(company, "maintainer", until=now() + 2 * SOON)
    grant(company, "viewer")
    assert places_of(company.olga, Capability.VIEW).until > now() + SOON
    revoke_role(by=company.ada, to=company.olga, role="maintainer", target=company.shop)
    assert places_of(company.olga, Capability.VIEW).until <= now() + SOON


def test_granting_again_sets_another_end_and_records_that_once(company):
    grant(company, until=None, reason="Helps out")
    end = now() + SOON
    for _ in range(2):
        grant(company, until=end, reason="Helps out")
    assert places_of(company.olga, Capability.VIEW).until == end
    first, second = (json.loads(entry) for entry in entries("role.granted")[-2:])
    assert "until" not in first["object"]
    assert "until" in second["object"]
    assert "Helps" not in last_entry("role.granted"), "texts stay out of the ledger"
    assert second["reason_commit"].startswith("sha256:")
    let_end()
    grant(company, until=None)
    assert holds(company.olga, Capability.VIEW, company.shop), "an ended role can be granted anew"


def test_an_ended_role_is_none_to_revoke(company):
    grant(company)
    let_end()
    with pytest.raises(NotFound, match="does not hold the role"):
        revoke_role(by=company.ada, to=company.olga, role="viewer", target=company.shop)


def test_an_end_lies_in_the_future(company):
    with pytest.raises(Invalid, match="in the future"):
        grant(company, until=now())
    assert not holds(company.olga, Capability.VIEW, company.shop)


def test_somebody_always_administers_without_an_end(company):
    """Else the last one's role could end, and nobody could ever grant it again."""
    organisation = company.organisation
    grant(company, "administrator", organisation)
    for refused in (
        lambda: revoke_role(
            by=company.olga, to=company.ada, role="administrator", target=organisation
        ),
        lambda: grant_role(
            by=company.olga, to=company.ada, role="administrator", target=organisation,
            until=now() + SOON,
        ),
        lambda: deactivate_person(by=company.olga, person=company.ada),
        lambda: forget(company.ada, now()),
    ):  # fmt: skip
        with pytest.raises(Conflict, match="Nobody would administer"), transaction.atomic():
            refused()
        company.ada.refresh_from_db()
        assert holds(company.ada, Capability.ADMINISTER)
    deputy = create_person(by=company.ada, username="dee", name="Dee", password=PASSWORD)
    grant_role(by=company.ada, to=deputy, role="administrator", target=organisation)
    revoke_role(by=company.olga, to=company.ada, role="administrator", target=organisation)
    assert not holds(company.ada, Capability.ADMINISTER)


def test_the_page_says_why_and_until_when(company):
    ada, address = as_(company.ada), reverse("project-roles", args=[company.shop.pk])
    day = (now() + timedelta(days=30)).date()
    form = {"to": "olga", "role": "requester", "confirmed": "yes"}
    missing = ada.post(address, form)
    assert missing.status_code == 422
    assert "reason" in missing.context["form"].errors
    past = ada.post(address, form | {"reason": "Release week", "until": "2020-01-01"})
    assert past.status_code == 422
    assert "until" in past.context["form"].errors
    ada.post(address, form | {"reason": "Release week", "until": day.isoformat()})
    found = RoleGrant.objects.get(person=company.olga)
    assert (found.until.date(), found.granted_by) == (day, company.ada)
    page = text(ada.get(address))
    assert "Release week" in page
    assert "29 d" in page or "30 d" in page
    assert "by Ada" in page


def test_who_is_erased_leaves_no_reason_behind(company):
    grant(company, reason="Olga is back from leave")
    forget(company.olga, now())
    found = RoleGrant.objects.get(person=company.olga)
    assert (found.reason, bytes(found.reason_salt)) == ("", b"")
