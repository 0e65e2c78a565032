"""What identity providers send, as their public documentation shows it; the values are ours."""

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

ENTRA_USER = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "nina@acme.example",
    "active": "True",
    "displayName": "Nina Quux",
    "emails": [{"primary": True, "type": "work", "value": "nina@acme.example"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Nina Quux", "familyName": "Quux", "givenName": "Nina"},
    "roles": [],
    ENTERPRISE: {"department": "Payments", "employeeNumber": "701984"},
}
ENTRA_GROUP = {
    "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
    "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
    "displayName": "Payments Approvers",
    "meta": {"resourceType": "Group"},
}
OKTA_USER = {
    "schemas": [USER],
    "userName": "otto@acme.example",
    "name": {"givenName": "Otto", "familyName": "Quux"},
    "emails": [{"primary": True, "value": "otto@acme.example", "type": "work"}],
    "displayName": "Otto Quux",
    "locale": "en-US",
    "externalId": "00ujl29u0le5T6Aj10h7",
    "groups": [],
    "password": "1mz050nq",
    "active": True,
}
OKTA_GROUP = {"schemas": [GROUP], "displayName": "Test SCIMv2", "members": []}
# RFC 7644, 3.3, with the attributes that are not kept left as they are there.
RFC_USER = {
    "schemas": [USER],
    "userName": "bjensen",
    "externalId": "bjensen",
    "name": {
        "formatted": "Ms. Barbara J Jensen III",
        "familyName": "Jensen",
        "givenName": "Barbara",
    },
}
