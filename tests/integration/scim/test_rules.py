"""What a directory reaches, what it never does, and how each change is recorded."""

import json

from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.audit.erasable import of_person
from approvals.audit.erase import erase
from portal.access import Capability, grant_role, holds
from portal.access.models import RoleGrant
from portal.accounts.models import User
from portal.accounts.people import deactivate_person, reactivate_person
from portal.directory.groups import add_member, create_group
from portal.directory.models import ApproverGroup, Membership
from portal.directory.queries import active_members
from portal.scim.directories import archive_directory, create_directory
from portal.scim.hand_over import give_group, give_person, take_group, take_person
from portal.scim.models import KeptPerson
from tests.integration.company import entries, last_entry
from tests.integration.pages import as_, text
from tests.integration.scim.caller import Caller
from tests.integration.scim.shapes import GROUP, RFC_USER, USER

OFF = {"op": "replace", "value": {"active": False}}
ON = {"op": "replace", "value": {"active": True}}


def given(company, caller, person):
    give_person(by=company.ada, directory=caller.directory, person=person)
    return f"/Users/{person.pk}"


def rename(name):
    return {"op": "replace", "path": "displayName", "value": name}


def test_a_directory_finds_and_changes_only_whom_it_keeps(company, entra):
    olga = f"/Users/{company.olga.pk}"
    for call in (entra.get, entra.delete, lambda path: entra.patch(path, OFF)):
        call(olga)
        assert entra.status == 404
    entra.put(olga, {**RFC_USER, "userName": "olga"})
    assert entra.status == 404 and entra.get("/Users")["totalResults"] == 0
    given(company, entra, company.olga)
    assert entra.get("/Users", filter='userName eq "olga"')["Resources"][0]["displayName"] == "Olga"
    assert entra.patch(olga, OFF)["active"] is False


def test_two_directories_see_nothing_of_each_other(company, entra):
    okta = Caller(*create_directory(by=company.ada, name="okta"))
    user = entra.post("/Users", RFC_USER)["id"]
    group = entra.post("/Groups", {"schemas": [GROUP], "displayName": "DBA"})["id"]
    assert okta.get("/Users")["totalResults"] == okta.get("/Groups")["totalResults"] == 0
    for path in (f"/Users/{user}", f"/Groups/{group}"):
        okta.get(path)
        assert okta.status == 404
    okta.post("/Users", RFC_USER)
    assert okta.status == 409
    sent = {"schemas": [GROUP], "displayName": "Other", "members": [{"value": user}]}
    refused = okta.post("/Groups", sent)
    assert (okta.status, refused["scimType"]) == (400, "invalidValue")
    assert not ApproverGroup.objects.filter(name="other").exists(), "all or nothing"


def test_taking_somebody_back_ends_what_the_directory_may(company, entra):
    olga = given(company, entra, company.olga)
    take_person(by=company.ada, directory=entra.directory, person=company.olga)
    entra.patch(olga, OFF)
    assert entra.status == 404 and User.objects.get(username="olga").is_active


def test_a_deactivation_counts_on_the_next_request_and_for_every_right(company, entra):
    vera = given(company, entra, company.vera)
    browser = as_(company.vera)
    assert browser.get("/projects/").status_code == 200
    assert company.vera in active_members(["leads"])["leads"]
    entra.patch(vera, OFF)
    assert browser.get("/projects/").status_code == 302
    assert active_members(["leads"])["leads"] == []
    company.vera.refresh_from_db()
    assert not holds(company.vera, Capability.VIEW, company.shop)
    assert as_(company.ada).get("/people/").status_code == 200


def test_every_change_is_recorded_with_the_directory_as_its_actor(company, entra):
    id = entra.post("/Users", RFC_USER)["id"]
    group = entra.post("/Groups", {"schemas": [GROUP], "displayName": "DBA"})["id"]
    member = [{"value": id}]
    entra.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": member})
    entra.patch(f"/Groups/{group}", {"op": "remove", "path": "members", "value": member})
    entra.patch(f"/Users/{id}", rename("Babs"), OFF)
    for event in ("person.created", "group.created", "member.added", "member.removed",
                  "person.changed"):  # fmt: skip
        actor = json.loads(last_entry(event))["actor"]
        assert actor["kind"] == "directory" and actor["ref"] == str(entra.directory.pk)
    assert '"is_active":false' in last_entry("person.changed")
    assert not any("Babs" in said or "bjensen" in said for said in entries("person.changed"))


def test_auditors_find_the_directory_by_name(company, entra):
    entra.post("/Users", RFC_USER)
    grant_role(by=company.ada, to=company.olga, role="auditor", target=company.organisation)
    olga = as_(company.olga)
    assert "Ada" in text(olga.get("/audit/"))
    found = text(olga.get("/audit/", {"who": "Entra"}))
    assert "entra" in found and "Ada" not in found


def test_saying_the_same_again_records_and_changes_nothing(company, entra):
    user = entra.post("/Users", RFC_USER)
    before = len(entries("person.changed"))
    again = entra.put(f"/Users/{user['id']}", {**RFC_USER, "active": True})
    entra.patch(f"/Users/{user['id']}", ON)
    assert again == user and len(entries("person.changed")) == before


def test_an_administrator_is_deactivated_by_a_directory_but_neither_changed_nor_brought_back(
    company, entra
):
    grant_role(by=company.ada, to=company.olga, role="administrator", target=company.organisation)
    olga = given(company, entra, company.olga)
    for operation in (
        rename("Somebody else"),
        {"op": "replace", "path": "userName", "value": "mallory"},
        {"op": "add", "path": "emails", "value": [{"value": "m@x.example", "primary": True}]},
    ):
        assert "administers the portal" in entra.patch(olga, operation)["detail"]
        assert entra.status == 403
    assert entra.patch(olga, OFF)["active"] is False
    entra.patch(olga, ON)
    assert entra.status == 403 and not User.objects.get(username="olga").is_active
    reactivate_person(by=company.ada, person=company.olga)
    assert entra.get(olga)["active"] is True


def test_the_last_active_administrator_stays(company, entra):
    grant_role(by=company.ada, to=company.olga, role="administrator", target=company.organisation)
    ada = f"/Users/{company.ada.pk}"
    give_person(by=company.olga, directory=entra.directory, person=company.ada)
    deactivate_person(by=company.ada, person=company.olga)
    for call in (entra.delete, lambda path: entra.patch(path, OFF)):
        call(ada)
        assert entra.status == 409 and User.objects.get(username="ada").is_active
    reactivate_person(by=company.ada, person=company.olga)
    entra.delete(ada)
    assert entra.status == 204 and not User.objects.get(username="ada").is_active


def test_a_directory_gives_no_role(company, entra):
    roles = RoleGrant.objects.count()
    sent = {**RFC_USER, "roles": [{"value": "administrator"}], "entitlements": [{"value": "admin"}]}
    id = entra.post("/Users", {**sent, "isSuperuser": True, "is_staff": True})["id"]
    entra.patch(f"/Users/{id}", {"op": "add", "path": "roles", "value": [{"value": "auditor"}]})
    assert entra.status == 200 and RoleGrant.objects.count() == roles
    made = User.objects.get(pk=id)
    assert not made.is_superuser and not made.is_staff


def test_whom_an_administrator_deactivated_a_directory_does_not_bring_back(company, entra):
    olga = given(company, entra, company.olga)
    deactivate_person(by=company.ada, person=company.olga)
    entra.patch(olga, ON)
    assert entra.status == 403 and not User.objects.get(username="olga").is_active
    entra.patch(olga, rename("Olga Quux"))
    assert entra.status == 200, "everything else goes on"
    reactivate_person(by=company.ada, person=company.olga)
    entra.patch(olga, OFF)
    assert entra.patch(olga, ON)["active"] is True, "its own it does"


def test_a_recycled_sign_in_name_is_another_person(company, entra):
    first = entra.post("/Users", RFC_USER)["id"]
    add_member(by=company.gus, group=company.leads, person=User.objects.get(pk=first))
    entra.delete(f"/Users/{first}")
    second = entra.post("/Users", RFC_USER)["id"]
    assert entra.status == 201 and first != second
    old, new = User.objects.get(pk=first), User.objects.get(pk=second)
    assert (old.username, new.username) == (f"removed-{old.actor_ref}", "bjensen")
    assert not old.is_active and old.actor_ref != new.actor_ref
    assert not Membership.objects.filter(person=new).exists()
    entra.post("/Users", RFC_USER)
    assert entra.status == 409


def test_whom_an_administrator_brought_back_keeps_the_sign_in_name(company, entra):
    first = entra.post("/Users", RFC_USER)["id"]
    entra.delete(f"/Users/{first}")
    reactivate_person(by=company.ada, person=User.objects.get(pk=first))
    entra.post("/Users", RFC_USER)
    assert entra.status == 409 and User.objects.get(pk=first).username == "bjensen"


def test_an_erased_person_is_nobodys(company, entra):
    id = entra.post("/Users", RFC_USER)["id"]
    erase(of_person(User.objects.get(pk=id)), by=company.ada)
    entra.get(f"/Users/{id}")
    assert entra.status == 404 and not KeptPerson.objects.exists()


def test_a_sign_in_name_that_was_given_by_hand_is_not_freed(company, entra):
    deactivate_person(by=company.ada, person=company.olga)
    refused = entra.post("/Users", {**RFC_USER, "userName": "OLGA"})
    assert (entra.status, refused["scimType"]) == (409, "uniqueness")
    id = entra.post("/Users", RFC_USER)["id"]
    entra.patch(f"/Users/{id}", {"op": "replace", "path": "userName", "value": "olga"})
    assert entra.status == 409 and User.objects.get(pk=id).username == "bjensen"


def test_a_group_is_the_directorys_once_it_was_handed_over(company, entra):
    group = f"/Groups/{company.leads.pk}"
    refused = entra.post("/Groups", {"schemas": [GROUP], "displayName": "Leads"})
    assert (entra.status, refused["scimType"]) == (409, "uniqueness")
    user = entra.post("/Users", RFC_USER)["id"]
    add = {"op": "add", "path": "members", "value": [{"value": user}]}
    entra.patch(group, add)
    assert entra.status == 404
    give_group(by=company.ada, directory=entra.directory, group=company.leads, display_name="L 1")
    assert entra.get("/Groups", filter='displayName eq "l 1"')["totalResults"] == 1
    entra.patch(group, add)
    assert entra.status == 204
    take_group(by=company.ada, directory=entra.directory, group=company.leads)
    entra.patch(group, {"op": "remove", "path": "members"})
    assert entra.status == 404
    assert Membership.objects.get(person=user).source == "scim:entra", "stays until it is removed"


def test_members_that_managers_added_are_neither_shown_nor_removed(company, entra):
    give_group(by=company.ada, directory=entra.directory, group=company.leads)
    group = f"/Groups/{company.leads.pk}"
    assert "members" not in entra.get(group)
    given(company, entra, company.olga)
    entra.put(group, {"schemas": [GROUP], "displayName": "Leads", "members": []})
    entra.patch(group, {"op": "remove", "path": "members"})
    assert Membership.objects.filter(group=company.leads, person=company.vera, source="").exists()


def test_a_membership_by_hand_becomes_the_directorys_when_it_says_so_too(company, entra):
    give_group(by=company.ada, directory=entra.directory, group=company.leads)
    vera = {"value": str(company.vera.pk)}
    given(company, entra, company.vera)
    group = f"/Groups/{company.leads.pk}"
    entra.patch(group, {"op": "add", "path": "members", "value": [vera]})
    membership = Membership.objects.get(group=company.leads, person=company.vera)
    assert (membership.source, membership.added_by) == ("scim:entra", None)
    entra.patch(group, {"op": "remove", "path": "members", "value": [vera]})
    assert not Membership.objects.filter(group=company.leads, person=company.vera).exists()


def test_a_removed_user_leaves_the_directorys_groups_and_no_others(company, entra):
    dba = create_group(by=company.ada, name="dba")
    give_group(by=company.ada, directory=entra.directory, group=dba)
    given(company, entra, company.vera)
    value = [{"value": str(company.vera.pk)}]
    entra.patch(f"/Groups/{dba.pk}", {"op": "add", "path": "members", "value": value})
    entra.delete(f"/Users/{company.vera.pk}")
    groups = Membership.objects.filter(person=company.vera).values_list("group__name", flat=True)
    assert list(groups) == ["leads"]
    assert not User.objects.get(username="vera").is_active


def test_an_archived_directory_is_refused(company, entra):
    id = entra.post("/Users", RFC_USER)["id"]
    archive_directory(by=company.ada, directory=entra.directory)
    entra.get(f"/Users/{id}")
    assert entra.status == 401 and "Bearer" in entra.headers["WWW-Authenticate"]
    assert User.objects.get(pk=id).is_active and not KeptPerson.objects.exists()


def test_a_list_costs_the_same_however_long_it_is(entra):
    def cost():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            entra.get("/Users")
            entra.get("/Groups")
        return len(asked)

    def grow(number):
        ids = [entra.post("/Users", {"schemas": [USER], "userName": f"u{number}{n}"})["id"]
               for n in range(3)]  # fmt: skip
        members = [{"value": id} for id in ids]
        entra.post("/Groups", {"schemas": [GROUP], "displayName": f"g{number}", "members": members})

    grow(1)
    few = cost()
    grow(2)
    assert cost() == few
