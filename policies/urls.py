"""Addresses of policies and their versions, and of roles, whose pages say what policies make of
them."""

from django.urls import include, path

from policies.views import editor, facts, policies, roles, versions, who_can

_POLICY = "policies/<uuid:policy_id>"
_VERSION = f"{_POLICY}/versions/<int:number>"
_PROJECT = "projects/<uuid:project_id>"
_ENVIRONMENT = f"{_PROJECT}/environments/<uuid:environment_id>"
_GROUP = "groups/<uuid:group_id>"
_REVOKE = "<uuid:person_id>/<slug:role>/revoke"

urlpatterns = [
    path("freezes/", include("policies.freezes.urls")),
    path("policies/", policies.policies, name="policies"),
    path("policies/facts", facts.facts, name="policy-facts"),
    path("policies/sources/", include("policies.sources.urls")),
    path("policies/new", editor.policy_new, name="policy-new"),
    path("policies/new/check", editor.policy_new_check, name="policy-new-check"),
    path("policies/new/format", editor.policy_new_format, name="policy-new-format"),
    path(_POLICY, policies.policy, name="policy"),
    path(f"{_POLICY}/versions/new", editor.version_new, name="policy-version-new"),
    path(
        f"{_POLICY}/versions/new/check",
        editor.version_new_check,
        name="policy-version-new-check",
    ),
    path(
        f"{_POLICY}/versions/new/format",
        editor.version_new_format,
        name="policy-version-new-format",
    ),
    path(_VERSION, versions.version, name="policy-version"),
    path(f"{_POLICY}/roles", roles.policy_roles, name="policy-roles"),
    path(f"{_POLICY}/roles/{_REVOKE}", roles.policy_role_revoke, name="policy-role-revoke"),
    path(f"{_PROJECT}/roles", roles.project_roles, name="project-roles"),
    path(f"{_PROJECT}/roles/{_REVOKE}", roles.project_role_revoke, name="project-role-revoke"),
    path(f"{_ENVIRONMENT}/roles", roles.environment_roles, name="environment-roles"),
    path(
        f"{_ENVIRONMENT}/roles/{_REVOKE}",
        roles.environment_role_revoke,
        name="environment-role-revoke",
    ),
    path(f"{_GROUP}/roles", roles.group_roles, name="group-roles"),
    path(f"{_GROUP}/roles/{_REVOKE}", roles.group_role_revoke, name="group-role-revoke"),
    path("people/roles", roles.portal_roles, name="portal-roles"),
    path(f"people/roles/{_REVOKE}", roles.portal_role_revoke, name="portal-role-revoke"),
    path(f"{_POLICY}/who-can", who_can.policy_who_can, name="policy-who-can"),
    path(f"{_PROJECT}/who-can", who_can.project_who_can, name="project-who-can"),
    path(f"{_ENVIRONMENT}/who-can", who_can.environment_who_can, name="environment-who-can"),
    path(f"{_GROUP}/who-can", who_can.group_who_can, name="group-who-can"),
    path("people/who-can", who_can.portal_who_can, name="portal-who-can"),
    path("people/<uuid:person_id>/who-can", who_can.person_who_can, name="person-who-can"),
]
