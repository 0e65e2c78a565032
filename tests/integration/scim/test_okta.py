"""The calls of Okta, in its order and its forms."""

import pytest

from portal.accounts.models import User
from portal.directory.models import Membership
from portal.scim.models import KeptPerson
from tests.integration.scim.shapes import OKTA_GROUP, OKTA_USER


@pytest.fixture
def otto(entra):
    return entra.post("/Users", OKTA_USER)["id"]


def members():
    found = Membership.objects.filter(group__name="test-scimv2")
    return sorted(found.values_list("person__username", flat=True))


def test_a_user_is_looked_for_and_added_without_the_password(entra, otto):
    found = entra.get(
        "/Users", filter='userName eq "otto@acme.example"', startIndex="1", count="100"
    )
    assert (found["totalResults"], found["startIndex"], found["itemsPerPage"]) == (1, 1, 1)
    person = User.objects.get(pk=otto)
    assert not person.has_usable_password()
    assert "1mz050nq" not in str(KeptPerson.objects.get().profile)


def test_a_user_is_replaced_as_a_whole(entra, otto):
    name = {"givenName": "Otto", "familyName": "Quuux", "middleName": ""}
    sent = {**OKTA_USER, "id": otto, "name": name, "displayName": "Otto Quuux"}
    sent["meta"] = {"resourceType": "User", "location": f"https://x.example/Users/{otto}"}
    replaced = entra.put(f"/Users/{otto}", sent)
    assert (entra.status, replaced["name"]["familyName"]) == (200, "Quuux")
    assert User.objects.get(pk=otto).name == "Otto Quuux"
    del sent["displayName"]
    assert "displayName" not in entra.put(f"/Users/{otto}", sent)
    assert User.objects.get(pk=otto).name == "Otto Quuux", "from the parts"


def test_a_replacement_that_leaves_active_out_changes_nothing_about_it(entra, otto):
    entra.patch(f"/Users/{otto}", {"op": "replace", "value": {"active": False}})
    silent = {name: value for name, value in OKTA_USER.items() if name != "active"}
    assert entra.put(f"/Users/{otto}", silent)["active"] is False


def test_a_user_is_deactivated_without_a_path_and_comes_back(entra, otto):
    off = entra.patch(f"/Users/{otto}", {"op": "replace", "value": {"active": False}})
    assert off["active"] is False and not User.objects.get(pk=otto).is_active
    assert entra.put(f"/Users/{otto}", OKTA_USER)["active"] is True


def test_a_group_is_pushed_renamed_and_filled(entra, otto):
    group = entra.post("/Groups", OKTA_GROUP)["id"]
    other = entra.post("/Users", {**OKTA_USER, "userName": "olga@acme.example"})["id"]
    entra.patch(f"/Groups/{group}", {"op": "replace", "value": {"id": group, "displayName": "New"}})
    assert entra.get(f"/Groups/{group}")["displayName"] == "New"
    first = [{"value": otto, "display": "otto@acme.example"}]
    entra.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": first})
    assert members() == ["otto@acme.example"]
    entra.patch(
        f"/Groups/{group}",
        {"op": "remove", "path": f'members[value eq "{otto}"]'},
        {
            "op": "add",
            "path": "members",
            "value": [{"value": other, "display": "olga@acme.example"}],
        },
    )
    assert entra.status == 204 and members() == ["olga@acme.example"]
    whole = {**OKTA_GROUP, "members": [{"value": otto}, {"value": other}]}
    assert len(entra.put(f"/Groups/{group}", whole)["members"]) == 2
    assert len(members()) == 2


def test_all_users_and_groups_are_imported_page_by_page(entra):
    for number in range(5):
        entra.post("/Users", {**OKTA_USER, "userName": f"u{number}@acme.example"})
    first = entra.get("/Users", startIndex="1", count="2")
    last = entra.get("/Users", startIndex="5", count="2")
    assert (first["totalResults"], len(first["Resources"])) == (5, 2)
    assert [one["userName"] for one in last["Resources"]] == ["u4@acme.example"]
    assert entra.get("/Users", startIndex="6")["itemsPerPage"] == 0
    assert entra.get("/Users", count="0")["totalResults"] == 5
    assert entra.get("/Users", startIndex="-3", count="9999999999999999999")["itemsPerPage"] == 5
    assert entra.get("/Users", startIndex="99999999999999999999")["itemsPerPage"] == 0
