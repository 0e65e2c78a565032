"""RFC 7643 and 7644 beyond what Entra and Okta send: errors, limits, filters, discovery."""

import pytest

from portal.scim.patch import MOST_OPERATIONS
from portal.scim.views.door import MOST_BYTES
from tests.integration.scim.shapes import GROUP, RFC_USER, USER

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@pytest.fixture
def barbara(entra):
    return entra.post("/Users", RFC_USER)["id"]


def test_the_example_of_the_rfc_comes_back_as_it_was_sent(entra, barbara):
    made = entra.get(f"/Users/{barbara}")
    for name in ("schemas", "userName", "externalId", "name"):
        assert made[name] == RFC_USER[name]
    meta = made["meta"]
    assert meta["resourceType"] == "User" and meta["created"] == meta["lastModified"]
    assert meta["location"].endswith(f"/scim/v2/Users/{barbara}")


REFUSED = [
    ("/Users", "{", 400, "invalidSyntax"),
    ("/Users", "[]", 400, "invalidSyntax"),
    ("/Users", {"schemas": [USER]}, 400, "invalidValue"),
    ("/Users", {"schemas": [USER], "userName": "a b"}, 400, "invalidValue"),
    ("/Users", {"schemas": [USER], "userName": "a\0"}, 400, "invalidValue"),
    ("/Users", {**RFC_USER, "displayName": "a\u0007"}, 400, "invalidValue"),
    ("/Users", {**RFC_USER, "displayName": "x" * 151}, 400, "invalidValue"),
    ("/Users", {**RFC_USER, "externalId": "x" * 201}, 400, "invalidValue"),
    ("/Users", {**RFC_USER, "name": {"givenName": "x" * 9000}}, 400, "invalidValue"),
    ("/Users", {**RFC_USER, "active": "perhaps"}, 400, "invalidValue"),
    ("/Users", {**RFC_USER, "emails": [{"value": "no address"}]}, 400, "invalidValue"),
    ("/Users", {**RFC_USER, "emails": "b@x.example"}, 400, "invalidValue"),
    ("/Groups", {"schemas": [GROUP]}, 400, "invalidValue"),
    ("/Groups", {"schemas": [GROUP], "displayName": "…"}, 400, "invalidValue"),
    ("/Groups", {"schemas": [GROUP], "displayName": "a", "members": [{}]}, 400, "invalidValue"),
    ("/Users", "x" * (MOST_BYTES + 1), 413, None),
]


def test_what_cannot_be_added_is_an_error_of_scim(entra):
    for path, body, status, keyword in REFUSED:
        refused = entra.post(path, body)
        assert (entra.status, refused["status"]) == (status, str(status)), body
        assert refused["schemas"] == [ERROR] and refused.get("scimType") == keyword, body
        assert refused["detail"] and entra.headers["Content-Type"] == "application/scim+json"
    assert entra.get("/Users")["totalResults"] == entra.get("/Groups")["totalResults"] == 0


WRONG = [
    ({"op": "move", "path": "userName", "value": "x"}, "invalidValue"),
    ({"op": "remove"}, "noTarget"),
    ({"op": "remove", "path": "userName"}, "mutability"),
    ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
    ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
    ({"op": "add", "path": "displayName"}, "invalidValue"),
    ({"op": "replace", "path": "active", "value": {"a": 1}}, "invalidValue"),
    ({"op": "replace", "path": f'emails[type eq "{"x" * 2000}"]', "value": 1}, "invalidPath"),
    ("not an operation", "invalidValue"),
]


def test_what_cannot_be_patched_changes_nothing(entra, barbara):
    good = {"op": "replace", "path": "displayName", "value": "Babs"}
    for operation, keyword in WRONG:
        refused = entra.patch(f"/Users/{barbara}", good, operation)
        assert (entra.status, refused["scimType"]) == (400, keyword), operation
        assert "displayName" not in entra.get(f"/Users/{barbara}")
    assert entra.patch(f"/Users/{barbara}", good)["displayName"] == "Babs"


def test_a_call_has_a_bounded_number_of_operations(entra, barbara):
    good = {"op": "replace", "path": "displayName", "value": "Babs"}
    entra.patch(f"/Users/{barbara}", *[good] * (MOST_OPERATIONS + 1))
    assert entra.status == 400
    entra.patch(f"/Users/{barbara}", *[good] * MOST_OPERATIONS)
    assert entra.status == 200


FOUND = [
    ('userName eq "BJensen"', 1),
    ('externalId eq "bjensen"', 1),
    ('externalId eq "BJENSEN"', 0),
    ('displayName eq "Babs"', 0),
    ('emails eq "b@x.example" or userName eq "bjensen"', 1),
    ('emails.value eq "b@x.example" and userName eq "bjensen"', 0),
    ('(userName eq "x" or userName eq "bjensen") and active eq true', 1),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "bjensen"', 1),
    ('id eq "no id"', 0),
    ("id eq null", 0),
    ('userName eq "\\u0000"', 0),
    ("active eq false", 0),
]


def test_filters_find(entra, barbara):
    schema = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
    for text, found in FOUND:
        assert entra.get("/Users", filter=text)["totalResults"] == found, text
        search = {"schemas": [schema], "filter": text}
        assert entra.post("/Users/.search", search)["totalResults"] == found, text


UNANSWERED = [
    "userName",
    'userName eq "',
    'userName co "b"',
    "userName pr",
    'not (userName eq "b")',
    'nickName eq "b"',
    'emails[value eq "b"]',
    'userName eq "b" and title pr',
    "(" * 3000 + 'userName eq "b"' + ")" * 3000,
    'name.familyName eq "Jensen"',
]


def test_a_filter_that_is_not_answered_says_so(entra, barbara):
    for text in UNANSWERED:
        refused = entra.get("/Users", filter=text)
        assert (entra.status, refused["scimType"]) == (400, "invalidFilter"), text


def test_members_are_searched_one_by_one(entra, barbara):
    other = entra.post("/Users", {**RFC_USER, "userName": "other"})["id"]
    members = [{"value": barbara}, {"value": other}]
    entra.post("/Groups", {"schemas": [GROUP], "displayName": "a", "members": members})
    both = f'members eq "{barbara}" and members.value eq "{other}"'
    assert entra.get("/Groups", filter=both)["totalResults"] == 1
    entra.post("/Groups", {"schemas": [GROUP], "displayName": "b", "members": members[:1]})
    assert entra.get("/Groups", filter=both)["totalResults"] == 1
    assert entra.get("/Groups", filter=f'members eq "{barbara}"')["totalResults"] == 2


def test_attributes_are_chosen_and_left_out(entra, barbara):
    some = entra.get(f"/Users/{barbara}", attributes="userName,name.familyName")
    assert set(some) == {"schemas", "id", "userName", "name"} and list(some["name"]) == [
        "familyName"
    ]
    assert "name" not in entra.get("/Users", excludedAttributes="name")["Resources"][0]
    entra.get("/Users", attributes="userName", excludedAttributes="name")
    assert entra.status == 400


def test_what_is_described_is_what_is_there(entra):
    config = entra.get("/ServiceProviderConfig")
    assert config["patch"]["supported"] and not config["bulk"]["supported"]
    types = entra.get("/ResourceTypes")["Resources"]
    assert [one["endpoint"] for one in types] == ["/Users", "/Groups"]
    for one in types:
        assert entra.get(f"/ResourceTypes/{one['id']}") == one
        names = {part["name"] for part in entra.get(f"/Schemas/{one['schema']}")["attributes"]}
        assert "password" not in names and names & {"userName", "displayName"}
    entra.get("/Schemas", filter="id pr")
    assert entra.status == 403


def test_what_is_not_supported_is_501(entra):
    for path in ("/Me", "/Bulk", "/.search"):
        assert entra.post(path, {})["status"] == "501"


def test_other_methods_addresses_and_media_are_errors_of_scim(entra, client):
    assert entra.call("PUT", "/Users", {})["status"] == "405" and "GET" in entra.headers["Allow"]
    assert entra.get("/nothing")["schemas"] == [ERROR]
    bearer = {"Authorization": f"Bearer {entra.secret}"}
    form = client.post("/scim/v2/Users", {"userName": "x"}, headers=bearer)
    assert (form.status_code, form.json()["schemas"]) == (415, [ERROR])
    plain = client.post("/scim/v2/Users", RFC_USER, content_type="application/json", headers=bearer)
    assert plain.status_code == 201


def test_without_the_token_nothing_is_said(entra, client):
    for path in ("/Users", "/Groups", "/ServiceProviderConfig", "/Schemas", "/ResourceTypes"):
        refused = client.get(f"/scim/v2{path}")
        assert refused.status_code == 401 and refused.json()["schemas"] == [ERROR]


def test_a_database_that_is_away_is_503(entra, monkeypatch):
    from django.db import OperationalError

    def away(header):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("portal.scim.views.door.authenticate_directory", away)
    assert entra.get("/Users")["status"] == "503" and entra.headers["Retry-After"]
