"""The calls of Microsoft Entra ID, in its order and its forms."""

import pytest

from portal.accounts.models import User
from portal.directory.models import Membership
from tests.integration.scim.shapes import ENTERPRISE, ENTRA_GROUP, ENTRA_USER, GROUP


@pytest.fixture
def nina(entra):
    return entra.post("/Users", ENTRA_USER)["id"]


@pytest.fixture
def approvers(entra):
    return entra.post("/Groups", ENTRA_GROUP)["id"]


def members(name="payments-approvers"):
    return sorted(
        Membership.objects.filter(group__name=name).values_list("person__username", flat=True)
    )


def test_the_connection_test_finds_nobody(entra):
    found = entra.get("/Users", filter='userName eq "fd0ea19b-0777-472c-9f96-4f70d2226f2e"')
    assert (entra.status, found["totalResults"]) == (200, 0)
    assert entra.headers["Content-Type"] == "application/scim+json"


def test_a_user_is_added_found_and_read(entra, nina):
    assert (entra.status, entra.headers["Location"].rsplit("/", 1)[1]) == (201, nina)
    person = User.objects.get(pk=nina)
    assert (person.username, person.name) == ("nina@acme.example", "Nina Quux")
    assert person.email == "nina@acme.example" and person.is_active
    assert not person.has_usable_password()
    found = entra.get("/Users", filter='userName eq "NINA@acme.example"', aadOptscim062020="")
    assert [one["id"] for one in found["Resources"]] == [nina]
    read = entra.get(f"/Users/{nina}")
    assert read["active"] is True and read["externalId"] == ENTRA_USER["externalId"]
    for name in ("emails", "name", "displayName", "userName"):
        assert read[name] == ENTRA_USER[name]
    assert entra.get("/Users", filter=f'externalId eq "{read["externalId"]}"')["totalResults"] == 1


def test_a_second_user_of_the_name_is_a_conflict(entra, nina):
    refused = entra.post("/Users", {**ENTRA_USER, "userName": "Nina@ACME.example"})
    assert (entra.status, refused["scimType"]) == (409, "uniqueness")


def test_single_and_filtered_values_are_replaced(entra, nina):
    changed = entra.patch(
        f"/Users/{nina}",
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "n2@acme.example"},
        {"op": "Replace", "path": "name.familyName", "value": "Quuux"},
        {"op": "Replace", "path": "displayName", "value": "Nina Quuux"},
        {"op": "Replace", "path": "userName", "value": "n2@acme.example"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "d4ee"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Risk"},
        {"op": "Replace", "path": 'phoneNumbers[type eq "work"].value', "value": "7"},
    )
    assert entra.status == 200
    assert changed["name"] == {**ENTRA_USER["name"], "familyName": "Quuux"}
    person = User.objects.get(pk=nina)
    assert (person.username, person.email) == ("n2@acme.example", "n2@acme.example")
    assert person.name == "Nina Quuux"


def test_values_are_removed_whether_they_are_named_or_not(entra, nina):
    changed = entra.patch(
        f"/Users/{nina}",
        {"op": "Remove", "path": "name.givenName", "value": "Nina"},
        {"op": "Remove", "path": 'emails[type eq "work"].value', "value": "nina@acme.example"},
        {"op": "Remove", "path": "displayName"},
        {"op": "Remove", "path": f"{ENTERPRISE}:department", "value": "Payments"},
    )
    assert entra.status == 200 and "displayName" not in changed
    assert "givenName" not in changed["name"]
    assert User.objects.get(pk=nina).email == ""


def test_a_work_address_is_replaced_where_there_is_none(entra):
    bare = {name: ENTRA_USER[name] for name in ("schemas", "userName")}
    id = entra.post("/Users", bare)["id"]
    operation = {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "n@acme.example"}
    changed = entra.patch(f"/Users/{id}", operation)
    assert changed["emails"] == [{"type": "work", "value": "n@acme.example"}]
    assert User.objects.get(pk=id).email == "n@acme.example"


def test_names_of_a_value_may_be_paths(entra, nina):
    value = {"name.givenName": "Nora", 'emails[type eq "work"].value': "nora@acme.example"}
    changed = entra.patch(f"/Users/{nina}", {"op": "Replace", "value": value})
    assert (entra.status, changed["name"]["givenName"]) == (200, "Nora")
    assert User.objects.get(pk=nina).email == "nora@acme.example"


def test_a_user_is_disabled_and_enabled_again(entra, nina):
    for no in (False, "False", "false"):
        off = entra.patch(f"/Users/{nina}", {"op": "Replace", "path": "active", "value": no})
        assert off["active"] is False and not User.objects.get(pk=nina).is_active
        assert entra.get("/Users", filter='active eq "False"')["totalResults"] == 1
        on = entra.patch(f"/Users/{nina}", {"op": "Replace", "path": "active", "value": "True"})
        assert on["active"] is True and User.objects.get(pk=nina).is_active


def test_a_deleted_user_is_deactivated_and_found_no_more(entra, nina):
    assert entra.delete(f"/Users/{nina}") is None and entra.status == 204
    assert not User.objects.get(pk=nina).is_active
    for ask in (entra.get, entra.delete):
        ask(f"/Users/{nina}")
        assert entra.status == 404
    assert entra.get("/Users")["totalResults"] == 0


def test_a_group_is_added_found_and_renamed_there_but_not_here(entra, approvers):
    assert entra.status == 201
    found = entra.get(
        "/Groups", excludedAttributes="members", filter='displayName eq "payments approvers"'
    )
    assert [one["id"] for one in found["Resources"]] == [approvers]
    entra.patch(f"/Groups/{approvers}", {"op": "Replace", "path": "displayName", "value": "Other"})
    assert entra.status == 204
    assert entra.get(f"/Groups/{approvers}")["displayName"] == "Other"
    assert members("payments-approvers") == []


def test_members_are_added_and_removed_in_every_form(entra, nina, approvers):
    group = f"/Groups/{approvers}"
    add = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": nina}]}
    for remove in (
        {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": nina}]},
        {"op": "Remove", "path": "members", "value": [{"value": nina, "display": "Nina"}]},
        {"op": "remove", "path": "members", "value": {"value": nina}},
        {"op": "remove", "path": f"{GROUP}:members", "value": nina},
        {"op": "Remove", "path": f'members[value eq "{nina}"]'},
        {"op": "Remove", "path": "members"},
    ):
        entra.patch(group, add)
        assert entra.status == 204 and members() == ["nina@acme.example"]
        assert "members" in entra.get(group)
        assert "members" not in entra.get(group, excludedAttributes="members")
        found = entra.get("/Groups", filter=f'id eq "{approvers}" and members eq "{nina}"')
        assert found["totalResults"] == 1
        entra.patch(group, remove)
        assert entra.status == 204 and members() == []


def test_somebody_else_stays_when_one_is_removed_by_value(entra, nina, approvers):
    other = entra.post("/Users", {**ENTRA_USER, "userName": "olaf@acme.example"})["id"]
    both = [{"value": nina}, {"value": other}]
    entra.patch(f"/Groups/{approvers}", {"op": "Add", "path": "members", "value": both})
    remove = {"op": "Remove", "path": "members", "value": [{"value": nina}]}
    entra.patch(f"/Groups/{approvers}", remove)
    assert members() == ["olaf@acme.example"]
    for nobody in ([], [{}], [{"value": None}], [{"display": "Olaf"}]):
        entra.patch(f"/Groups/{approvers}", {"op": "Remove", "path": "members", "value": nobody})
        assert members() == ["olaf@acme.example"], nobody


def test_a_deleted_group_loses_whom_the_directory_put_in_and_stays(entra, nina, approvers):
    entra.patch(
        f"/Groups/{approvers}", {"op": "Add", "path": "members", "value": [{"value": nina}]}
    )
    entra.delete(f"/Groups/{approvers}")
    assert entra.status == 204 and members() == []
    entra.get(f"/Groups/{approvers}")
    assert entra.status == 404
