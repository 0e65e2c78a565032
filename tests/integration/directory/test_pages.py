"""Pages of projects, environments, approver groups and roles, as people use them."""

import pytest
from django.test import Client
from django.urls import reverse

from portal.access import Capability, grant_role, holds
from portal.directory.groups import add_member, create_group
from portal.directory.models import ApproverGroup, Environment, Project
from portal.directory.projects import create_project
from portal.ledger.models import Entry
from tests.integration.company import last_entry
from tests.integration.pages import as_, text


def test_an_administrator_adds_a_project(company):
    ada = as_(company.ada)
    assert "New project" in text(ada.get(reverse("projects")))
    answer = ada.post(
        reverse("project-new"), {"slug": "web", "name": "Web", "branch": "main"}, follow=True
    )
    assert "Project added" in text(answer)
    assert Project.objects.get(slug="web").repository == ""


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("slug", "Shop!", "small letters"),
        ("slug", "shop", "already exists"),
        ("repository", "ext::sh -c id", "https://"),
        ("repository", "https://me:secret@host/x", "Leave user and password out"),
        ("branch", "-x", "git accepts"),
        ("name", "a\x07b", "control character U+0007"),
        ("forge_id", "99999999999999999999", "9223372036854775807"),
    ],
)
def test_errors_stand_beside_the_field_and_nothing_is_kept(company, field, value, words):
    good = {"slug": "web", "name": "Web", "branch": "main", "repository": ""}
    answer = as_(company.ada).post(reverse("project-new"), good | {field: value})
    assert answer.status_code == 422
    assert words in text(answer)
    assert field in answer.context["form"].errors
    assert not Project.objects.filter(slug="web").exists()
    assert as_(company.ada).post(reverse("project-new"), good).status_code == 302


def test_line_ends_of_browsers_are_taken(company):
    form = {"slug": "web", "name": "Web", "branch": "main", "description": "One\r\ntwo"}
    assert as_(company.ada).post(reverse("project-new"), form).status_code == 302
    assert Project.objects.get(slug="web").description == "One\ntwo"


def test_a_maintainer_changes_the_project_but_never_its_short_name(company):
    address = reverse("project-edit", args=[company.shop.pk])
    form = {"slug": "other", "name": "Web shop", "branch": "main", "repository": ""}
    assert as_(company.max).post(address, form).status_code == 302
    company.shop.refresh_from_db()
    assert (company.shop.slug, company.shop.name) == ("shop", "Web shop")


def test_where_git_facts_come_from_is_an_administrators_to_change(company):
    address = reverse("project-edit", args=[company.shop.pk])
    form = {"name": "Web shop", "branch": "feature-x", "repository": "", "forge_id": "7"}
    reason = "Only an administrator can change it"
    assert text(as_(company.max).get(address)).count(reason) == 3
    assert as_(company.max).post(address, form).status_code == 302
    company.shop.refresh_from_db()
    found = (company.shop.name, company.shop.branch, company.shop.forge_id)
    assert found == ("Web shop", "main", None), "read-only fields are not read from what is sent"
    assert reason not in text(as_(company.ada).get(address))
    assert as_(company.ada).post(address, form).status_code == 302
    company.shop.refresh_from_db()
    assert (company.shop.branch, company.shop.forge_id) == ("feature-x", 7)


PROJECT_PAGES = [
    "project-edit", "project-archive", "project-restore", "environment-new",
    "service-account-new",
]  # fmt: skip


@pytest.mark.parametrize("name", PROJECT_PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_viewers_are_told_what_is_missing_and_outsiders_see_nothing(company, name, method):
    address = reverse(name, args=[company.shop.pk])
    refused = getattr(as_(company.vera), method)(address)
    assert refused.status_code == 403
    assert "You need the permission" in text(refused)
    assert "An administrator can grant it" in text(refused)
    assert getattr(as_(company.olga), method)(address).status_code == 404
    assert getattr(as_(company.ada), method)(address).status_code in {200, 302}


def test_a_project_page_is_there_for_those_who_may_view(company):
    address = reverse("project", args=[company.shop.pk])
    page = text(as_(company.vera).get(address))
    assert "production" in page
    assert "New environment" not in page
    assert "New environment" in text(as_(company.max).get(address))
    assert as_(company.olga).get(address).status_code == 404


def test_the_list_shows_only_visible_projects(company):
    page = text(as_(company.vera).get(reverse("projects")))
    assert "shop" in page
    assert "bank" not in page
    assert "No projects for you" in text(as_(company.olga).get(reverse("projects")))


def test_who_views_one_environment_sees_the_project_with_that_one_only(company):
    company.account("robot")
    staging = Environment.objects.create(project=company.shop, name="staging", tier="staging")
    grant_role(by=company.ada, to=company.olga, role="viewer", target=staging)
    page = text(as_(company.olga).get(reverse("project", args=[company.shop.pk])))
    assert "staging" in page
    assert "production" not in page
    assert "robot" not in page
    for name in ("project-roles", "environment-roles"):
        args = [company.shop.pk, staging.pk] if name == "environment-roles" else [company.shop.pk]
        assert as_(company.olga).get(reverse(name, args=args)).status_code == 403


def test_a_viewer_of_one_environment_is_made_and_unmade_on_its_page(company):
    ada, args = as_(company.ada), [company.shop.pk, company.production.pk]
    address = reverse("environment-roles", args=args)
    assert address in ada.get(reverse("project", args=args[:1])).content.decode()
    assert "shop · production" in text(ada.get(address))
    ada.post(address, {"to": "olga", "role": "viewer", "reason": "Needed", "confirmed": "yes"})
    assert holds(company.olga, Capability.VIEW, company.production)
    assert not holds(company.olga, Capability.VIEW, company.shop)
    assert "Olga" in text(ada.get(address))
    ada.post(reverse("environment-role-revoke", args=[*args, company.olga.pk, "viewer"]))
    assert not holds(company.olga, Capability.VIEW, company.production)


def test_an_environment_of_another_project_is_not_there(company):
    other = Environment.objects.create(project=company.bank, name="vault", tier="production")
    mixed = reverse("environment-edit", args=[company.shop.pk, other.pk])
    right = reverse("environment-edit", args=[company.bank.pk, other.pk])
    assert as_(company.max).get(mixed).status_code == 404
    assert as_(company.ada).get(mixed).status_code == 404
    assert as_(company.ada).get(right).status_code == 200


def test_a_maintainer_adds_an_environment_and_a_second_of_the_name_is_refused(company):
    address = reverse("environment-new", args=[company.shop.pk])
    form = {"name": "staging", "tier": "staging"}
    assert as_(company.max).post(address, form).status_code == 302
    again = as_(company.max).post(address, form)
    assert again.status_code == 422
    assert "already" in text(again)


def test_the_tier_field_is_closed_for_maintainers_whatever_they_post(company):
    address = reverse("environment-edit", args=[company.shop.pk, company.production.pk])
    form = {"tier": "testing", "description": "Live"}
    assert as_(company.max).post(address, form).status_code == 302
    company.production.refresh_from_db()
    assert (company.production.tier, company.production.description) == ("production", "Live")
    assert as_(company.ada).post(address, form).status_code == 302
    company.production.refresh_from_db()
    assert company.production.tier == "testing"


@pytest.mark.parametrize(
    ("archive", "restore", "who"),
    [
        ("project-archive", "project-restore", "ada"),
        ("environment-archive", "environment-restore", "max"),
    ],
)
def test_archiving_asks_first_and_can_be_undone(company, archive, restore, who):
    target = company.shop if who == "ada" else company.production
    args = [company.shop.pk] if who == "ada" else [company.shop.pk, company.production.pk]
    client = as_(getattr(company, who))
    assert "You can restore it" in text(client.get(reverse(archive, args=args)))
    target.refresh_from_db()
    assert target.archived_at is None
    client.post(reverse(archive, args=args))
    target.refresh_from_db()
    assert target.archived_at is not None
    assert "restore" in text(client.get(reverse(restore, args=args))).lower()
    client.post(reverse(restore, args=args))
    target.refresh_from_db()
    assert target.archived_at is None


def test_a_group_manager_adds_and_removes_members(company):
    gus, address = as_(company.gus), reverse("group", args=[company.leads.pk])
    assert "Member added" in text(gus.post(address, {"person": "olga"}, follow=True))
    remove = reverse("member-remove", args=[company.leads.pk, company.olga.pk])
    assert "Remove Olga" in text(gus.get(remove))
    assert company.leads.memberships.filter(person=company.olga).exists()
    gus.post(remove)
    assert not company.leads.memberships.filter(person=company.olga).exists()
    assert gus.get(remove).status_code == 404


def test_removing_the_last_active_member_warns(company):
    remove = reverse("member-remove", args=[company.leads.pk, company.vera.pk])
    assert "last active member" in text(as_(company.gus).get(remove))
    add_member(by=company.gus, group=company.leads, person=company.olga)
    assert "last active member" not in text(as_(company.gus).get(remove))


def test_the_page_says_who_keeps_a_membership_before_it_is_removed(company):
    group = reverse("group", args=[company.leads.pk])
    remove = reverse("member-remove", args=[company.leads.pk, company.vera.pk])
    gus = as_(company.gus)
    assert "By hand" in text(gus.get(group))
    assert "not by hand" not in text(gus.get(remove))
    company.leads.memberships.update(source="oidc:acme")
    assert "OpenID Connect (acme)" in text(gus.get(group))
    assert gus.post(remove).status_code == 409, "the page did not say so"
    page = gus.get(remove)
    assert "kept by OpenID Connect (acme), not by hand" in text(page)
    assert 'name="source" value="oidc:acme"' in page.content.decode()
    assert gus.post(remove, {"source": "oidc:acme"}).status_code == 302
    assert not company.leads.memberships.exists()


def test_a_group_below_its_smallest_size_is_marked(company):
    gus, groups = as_(company.gus), reverse("groups")
    group = reverse("group", args=[company.leads.pk])
    assert "Too small" not in text(gus.get(group)) + text(gus.get(groups))
    gus.post(reverse("group-edit", args=[company.leads.pk]), {"description": "", "minimum": 2})
    assert "Too small" in text(gus.get(groups))
    assert "should have at least 2 active members; it has 1" in text(gus.get(group))
    assert '"after":{"minimum":2},"before":{"minimum":1}' in last_entry("group.changed")
    gus.post(group, {"person": "olga"})
    assert "Too small" not in text(gus.get(group)) + text(gus.get(groups))


def test_a_manager_cannot_add_themselves_on_the_page_either(company):
    address = reverse("group", args=[company.leads.pk])
    answer = as_(company.gus).post(address, {"person": "gus"})
    assert answer.status_code == 403
    assert "You cannot add yourself" in text(answer)
    assert not company.leads.memberships.filter(person=company.gus).exists()


@pytest.mark.parametrize("typed", ["nobody", "", "\0", "x" * 200])
def test_a_name_that_nobody_has_is_an_error_beside_the_field(company, typed):
    answer = as_(company.gus).post(reverse("group", args=[company.leads.pk]), {"person": typed})
    assert answer.status_code == 422
    assert "person" in answer.context["form"].errors


def test_everybody_sees_who_may_decide_but_not_the_forms(company):
    olga = as_(company.olga)
    assert "leads" in text(olga.get(reverse("groups")))
    page = text(olga.get(reverse("group", args=[company.leads.pk])))
    assert "Vera" in page
    assert "Add a member" not in page
    assert (
        olga.post(reverse("group", args=[company.leads.pk]), {"person": "max"}).status_code == 403
    )


def test_a_member_leaves_by_themselves(company):
    vera = as_(company.vera)
    assert "Leave" in text(vera.get(reverse("group", args=[company.leads.pk])))
    vera.post(reverse("member-remove", args=[company.leads.pk, company.vera.pk]))
    assert not company.leads.memberships.filter(person=company.vera).exists()


def test_an_administrator_adds_and_describes_a_group(company):
    ada = as_(company.ada)
    ada.post(reverse("group-new"), {"name": "dba", "description": "Databases", "minimum": 1})
    dba = ApproverGroup.objects.get(name="dba")
    form = {"name": "x", "description": "Data", "minimum": 1}
    ada.post(reverse("group-edit", args=[dba.pk]), form)
    dba.refresh_from_db()
    assert (dba.name, dba.description) == ("dba", "Data")
    assert as_(company.gus).get(reverse("group-new")).status_code == 403
    assert as_(company.gus).get(reverse("group-edit", args=[dba.pk])).status_code == 403


def test_an_administrator_grants_and_revokes_a_role(company):
    ada, address = as_(company.ada), reverse("project-roles", args=[company.shop.pk])
    ada.post(address, {"to": "olga", "role": "requester", "reason": "Needed", "confirmed": "yes"})
    assert holds(company.olga, Capability.SUBMIT, company.shop)
    assert "Requester" in text(ada.get(address))
    revoke = reverse("project-role-revoke", args=[company.shop.pk, company.olga.pk, "requester"])
    assert "Revoke Requester from Olga" in text(ada.get(revoke))
    assert holds(company.olga, Capability.SUBMIT, company.shop)
    ada.post(revoke)
    assert not holds(company.olga, Capability.SUBMIT, company.shop)


def test_maintainers_see_roles_but_do_not_grant_them(company):
    address = reverse("project-roles", args=[company.shop.pk])
    page = text(as_(company.max).get(address))
    assert "Vera" in page
    assert "Grant a role" not in page
    refused = as_(company.max).post(
        address, {"to": "olga", "role": "viewer", "reason": "Needed", "confirmed": "yes"}
    )
    assert refused.status_code == 403
    assert not holds(company.olga, Capability.VIEW, company.shop)


def test_nobody_grants_themselves_a_role(company):
    address = reverse("project-roles", args=[company.shop.pk])
    answer = as_(company.ada).post(
        address, {"to": "ada", "role": "viewer", "reason": "Needed", "confirmed": "yes"}
    )
    assert answer.status_code == 403
    assert "own roles" in text(answer)


def test_a_role_of_another_kind_of_object_is_not_offered(company):
    address = reverse("project-roles", args=[company.shop.pk])
    answer = as_(company.ada).post(
        address, {"to": "olga", "role": "administrator", "reason": "Needed", "confirmed": "yes"}
    )
    assert answer.status_code == 422
    assert not holds(company.olga, Capability.ADMINISTER)


def test_roles_of_a_group_and_of_the_portal(company):
    ada = as_(company.ada)
    ada.post(
        reverse("group-roles", args=[company.leads.pk]),
        {"to": "olga", "role": "group-manager", "reason": "Needed", "confirmed": "yes"},
    )
    assert holds(company.olga, Capability.MANAGE_GROUP, company.leads)
    ada.post(
        reverse("group-role-revoke", args=[company.leads.pk, company.olga.pk, "group-manager"])
    )
    assert not holds(company.olga, Capability.MANAGE_GROUP, company.leads)
    ada.post(
        reverse("portal-roles"),
        {"to": "olga", "role": "auditor", "reason": "Needed", "confirmed": "yes"},
    )
    assert holds(company.olga, Capability.AUDIT)
    ada.post(reverse("portal-role-revoke", args=[company.olga.pk, "auditor"]))
    assert not holds(company.olga, Capability.AUDIT)
    assert as_(company.max).get(reverse("portal-roles")).status_code == 403
    assert ada.get(
        reverse("portal-role-revoke", args=[company.olga.pk, "king"])
    ).status_code == 404  # fmt: skip


def test_lists_cost_the_same_however_long(company, django_assert_max_num_queries):
    for n in range(60):
        create_project(by=company.ada, slug=f"p{n:02}", name=f"P{n}")
        create_group(by=company.ada, name=f"g{n:02}")
    ada = as_(company.ada)
    for name in ("projects", "groups"):
        with django_assert_max_num_queries(11):
            page = text(ada.get(reverse(name)))
        assert "Page 1 of 2" in page
        assert ada.get(reverse(name) + "?page=2").context["page"].number == 2
        assert ada.get(reverse(name) + "?page=x").status_code == 200


def test_a_project_page_costs_the_same_however_full(company, django_assert_max_num_queries):
    for n in range(12):
        company.account(f"a{n}")
        Environment.objects.create(project=company.shop, name=f"e{n}", tier="staging")
    client = as_(company.max)
    with django_assert_max_num_queries(15):
        page = text(client.get(reverse("project", args=[company.shop.pk])))
    assert "a11" in page
    assert "e11" in page


def test_names_from_outside_are_escaped_and_made_visible(company):
    create_project(by=company.ada, slug="web", name="<script>x</script>\u202egnp")
    page = as_(company.ada).get(reverse("projects")).content.decode()
    assert "<script>x" not in page
    assert "\u202e" not in page
    assert "⟨U+202E⟩" in page


def test_the_addresses_want_a_person(company):
    for name in ("projects", "groups", "people", "policies", "preferences"):
        answer = Client().get(reverse(name))
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))


def test_a_form_from_another_site_is_refused(company):
    address = reverse("group", args=[company.leads.pk])
    client = Client(enforce_csrf_checks=True)
    client.force_login(company.gus)
    refused = client.post(address, {"person": "olga"})
    assert refused.status_code == 403
    assert not company.leads.memberships.filter(person=company.olga).exists()
    token = client.get(address).context["csrf_token"]
    client.post(address, {"person": "olga", "csrfmiddlewaretoken": str(token)})
    assert company.leads.memberships.filter(person=company.olga).exists()


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_never_changes_anything(company, method):
    client = as_(company.ada)
    before = Entry.objects.count()
    for name in ("project-archive", "project-restore", "project-edit", "project-roles"):
        getattr(client, method)(reverse(name, args=[company.shop.pk]))
    getattr(client, method)(reverse("member-remove", args=[company.leads.pk, company.vera.pk]))
    getattr(client, method)(
        reverse("project-role-revoke", args=[company.shop.pk, company.vera.pk, "viewer"])
    )
    assert Entry.objects.count() == before
