"""Addresses of policies and their versions."""

from django.urls import include, path

from policies.views import editor, facts, policies, versions

_POLICY = "policies/<uuid:policy_id>"
_VERSION = f"{_POLICY}/versions/<int:number>"

urlpatterns = [
    path("freezes/", include("policies.freezes.urls")),
    path("policies/", policies.policies, name="policies"),
    path("policies/facts", facts.facts, name="policy-facts"),
    path("policies/sources/", include("policies.sources.urls")),
    path("policies/new", editor.policy_new, name="policy-new"),
    path("policies/new/check", editor.policy_new_check, name="policy-new-check"),
    path("policies/new/format", editor.policy_new_format, name="policy-new-format"),
    path(_POLICY, policies.policy, name="policy"),
    path(f"{_POLICY}/roles", policies.policy_roles, name="policy-roles"),
    path(
        f"{_POLICY}/roles/<uuid:person_id>/<slug:role>/revoke",
        policies.policy_role_revoke,
        name="policy-role-revoke",
    ),
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
]
