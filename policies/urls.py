"""Addresses of policies and their versions."""

from django.urls import path

from policies import views

_POLICY = "policies/<uuid:policy_id>"
_VERSION = f"{_POLICY}/versions/<int:number>"

urlpatterns = [
    path("policies/", views.policies, name="policies"),
    path("policies/new", views.policy_new, name="policy-new"),
    path(_POLICY, views.policy, name="policy"),
    path(f"{_POLICY}/retire", views.policy_retire, name="policy-retire"),
    path(f"{_POLICY}/roles", views.policy_roles, name="policy-roles"),
    path(
        f"{_POLICY}/roles/<uuid:person_id>/<slug:role>/revoke",
        views.policy_role_revoke,
        name="policy-role-revoke",
    ),
    path(f"{_POLICY}/versions/new", views.version_new, name="policy-version-new"),
    path(_VERSION, views.version, name="policy-version"),
    path(f"{_VERSION}/publish", views.version_publish, name="policy-version-publish"),
]
