"""Capabilities, and the roles of the design as named sets of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


class Capability(StrEnum):
    """One thing a person may do with an object; the value is the permission's codename."""

    VIEW = "view"
    SUBMIT = "submit"
    MAINTAIN = "maintain"
    DRAFT_POLICY = "draft_policy"
    PUBLISH_POLICY = "publish_policy"
    AUDIT = "audit"
    MANAGE_GROUP = "manage_group"
    ADMINISTER = "administer"


@dataclass(frozen=True)
class Role:
    """A named permission set; `scopes` are the model names it may be granted on.

    The scope `organisation` stands for the whole portal.
    """

    name: str
    title: str
    scopes: frozenset[str]
    capabilities: frozenset[Capability]


def _role(name: str, title: str, scopes: str, *capabilities: Capability) -> Role:
    return Role(name, title, frozenset(scopes.split()), frozenset(capabilities))


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        _role("viewer", "Viewer", "project environment", Capability.VIEW),
        _role("requester", "Requester", "project", Capability.VIEW, Capability.SUBMIT),
        _role(
            "maintainer",
            "Maintainer",
            "project",
            Capability.VIEW,
            Capability.MAINTAIN,
            Capability.DRAFT_POLICY,
        ),
        _role(
            "policy-publisher",
            "Policy publisher",
            "organisation project policy",
            Capability.VIEW,
            Capability.PUBLISH_POLICY,
        ),
        _role("auditor", "Auditor", "organisation project", Capability.VIEW, Capability.AUDIT),
        _role("group-manager", "Group manager", "approvergroup", Capability.MANAGE_GROUP),
        _role(
            "administrator",
            "Administrator",
            "organisation",
            Capability.VIEW,
            Capability.MAINTAIN,
            Capability.DRAFT_POLICY,
            Capability.MANAGE_GROUP,
            Capability.ADMINISTER,
        ),
    )
}

# What each model's permissions are (Django makes the rows after migrating).
PROJECT_CAPABILITIES = (
    Capability.VIEW,
    Capability.SUBMIT,
    Capability.MAINTAIN,
    Capability.DRAFT_POLICY,
    Capability.PUBLISH_POLICY,
    Capability.AUDIT,
)
ENVIRONMENT_CAPABILITIES = (Capability.VIEW,)
GROUP_CAPABILITIES = (Capability.MANAGE_GROUP,)
POLICY_CAPABILITIES = (
    Capability.VIEW,
    Capability.DRAFT_POLICY,
    Capability.PUBLISH_POLICY,
)
ORGANISATION_CAPABILITIES = tuple(Capability)


def permissions(capabilities: tuple[Capability, ...]) -> "list[tuple[str, str | StrPromise]]":
    """`Meta.permissions` for a model with these capabilities."""
    return [(c.value, c.value.replace("_", " ").capitalize()) for c in capabilities]
