"""Before a role is granted or revoked, the page says what that changes; only then it is done."""

from datetime import timedelta

import pytest
from django.urls import reverse

from policies.governance import PUBLISHERS
from portal.access import Capability, grant_role, holds
from portal.access.models import Organisation, RoleGrant
from portal.directory.groups import add_member, create_group
from portal.directory.models import ApproverGroup
from portal.kernel.clock import now
from tests.factories import company as factory_company
from tests.factories import put_in_force
from tests.integration.pages import as_, text

EVERY_PAYMENT = """\
policy: payments
facts: v1
match: {projects: [shop], environments: [production], actions: [deploy]}
rules:
  - id: leads
    when: "true"
    require: {count: 1, from: [team-leads]}
default: {require: {count: 1, from: [team-leads]}}
decide_within: 24h
valid_for: 1h
hold: [request.commit]
"""


@pytest.fixture
def who(db):
    """Policies ask the two leads on each environment of shop."""
    return factory_company()


def preview(who, address, **form):
    """The page between the form and the grant."""
    form = {"to": "mallory", "role": "viewer", "reason": "Release week", **form}
    answer = as_(who.admin).post(address, form)
    assert answer.status_code == 200, text(answer)
    return answer


def test_a_grant_is_shown_first_and_done_when_it_is_confirmed(who):
    address = reverse("project-roles", args=[who.project.pk])
    answer = preview(who, address, role="maintainer", until=str((now() + timedelta(3)).date()))
    page = text(answer)
    assert "Grant Maintainer to Mallory Outside on shop?" in page
    assert "See it: new for Mallory Outside. 6 people may then." in page
    assert "Change settings, sources and tokens: new for Mallory Outside. 3 people" in page
    assert not holds(who.mallory, Capability.MAINTAIN, who.project)
    confirm = dict(answer.context["fields"]) | {"confirmed": "yes"}
    as_(who.admin).post(address, confirm)
    assert holds(who.mallory, Capability.MAINTAIN, who.project)
    grant = RoleGrant.objects.get(person=who.mallory)
    assert (grant.reason, grant.until.date()) == ("Release week", (now() + timedelta(3)).date())


def test_what_is_held_already_is_not_called_new(who):
    grant_role(by=who.admin, to=who.mallory, role="maintainer", target=who.project)
    page = text(preview(who, reverse("project-roles", args=[who.project.pk])))
    assert "It changes nothing now: another role allows all of it already." in page
    assert "new for" not in page


def test_the_form_comes_back_before_anything_is_shown(who):
    address = reverse("project-roles", args=[who.project.pk])
    form = {"to": "mallory", "role": "viewer", "reason": "x", "until": "2020-01-01"}
    answer = as_(who.admin).post(address, form)
    assert answer.status_code == 422
    assert "Choose a time in the future" in text(answer)
    own = as_(who.admin).post(address, {"to": "admin", "role": "viewer", "reason": "x"})
    assert own.status_code == 403


def test_who_manages_a_group_chooses_who_decides_and_where(who):
    leads = ApproverGroup.objects.get(name="team-leads")
    address = reverse("group-roles", args=[leads.pk])
    page = text(preview(who, address, role="group-manager"))
    assert "Add and remove members: new for Mallory Outside. 3 people may then." in page
    assert (
        "chooses who decides: 2 people now, on shop/production, shop/staging, shop/testing." in page
    )
    nowhere = create_group(by=who.admin, name="nowhere")
    page = text(preview(who, reverse("group-roles", args=[nowhere.pk]), role="group-manager"))
    assert "No policy in force asks this group anywhere." in page


def test_a_publisher_decides_only_in_the_group_of_publishers(who):
    version = put_in_force(who.admin, who.deputy, EVERY_PAYMENT)
    address = reverse("policy-roles", args=[version.policy_id])
    publishers, _ = ApproverGroup.objects.get_or_create(name=PUBLISHERS)
    page = text(preview(who, address, role="policy-publisher"))
    assert "lets 0 people decide on publishing" in page
    add_member(by=who.admin, group=publishers, person=who.mallory)
    add_member(by=who.admin, group=publishers, person=who.deputy)
    page = text(preview(who, address, role="policy-publisher"))
    assert "This lets 2 people decide on publishing: who is in policy-publishers and may." in page


def test_revoking_shows_what_is_lost_and_who_is_left(who):
    grant_role(by=who.admin, to=who.mallory, role="maintainer", target=who.project)
    grant_role(by=who.admin, to=who.mallory, role="viewer", target=who.project)
    args = [who.project.pk, who.mallory.pk, "maintainer"]
    page = text(as_(who.admin).get(reverse("project-role-revoke", args=args)))
    assert "Change settings, sources and tokens: Mallory Outside no more. 2 people" in page
    assert "See it" not in page, "the other role still gives it"
    args[2] = "viewer"
    page = text(as_(who.admin).get(reverse("project-role-revoke", args=args)))
    assert "It changes nothing now" in page
    assert RoleGrant.objects.filter(person=who.mallory).count() == 2
    args[2] = "auditor"
    missing = as_(who.admin).get(reverse("project-role-revoke", args=args))
    assert missing.status_code == 404


def test_the_last_one_is_named_as_such(who):
    organisation = Organisation.objects.get()
    grant_role(by=who.admin, to=who.mallory, role="auditor", target=organisation)
    address = reverse("portal-role-revoke", args=[who.mallory.pk, "auditor"])
    page = text(as_(who.admin).get(address))
    assert "Read reports and evidence: Mallory Outside is the last who may; nobody is left" in page
