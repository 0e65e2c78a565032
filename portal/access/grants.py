"""Granting and revoking roles. A role is a named permission set; nothing else is stored."""

from typing import Any

from django.db import transaction
from django.db.models import Model
from guardian.shortcuts import assign_perm, remove_perm

from portal.access.capabilities import ROLES, Capability, Role
from portal.access.holds import holders, require
from portal.kernel.errors import Forbidden, Invalid
from portal.ledger.actors import person_actor
from portal.ledger.record import record


def _maximal(held: set[str], scope: str) -> list[Role]:
    fitting = [
        role
        for role in ROLES.values()
        if scope in role.scopes and {c.value for c in role.capabilities} <= held
    ]
    return [r for r in fitting if not any(r.capabilities < other.capabilities for other in fitting)]


def roles_held(target: Model) -> list[tuple[Any, list[Role]]]:
    """Each person with permissions on `target` and the roles these amount to, by name."""
    by_person: dict[Any, set[str]] = {}
    for row in holders(target):
        by_person.setdefault(row.user, set()).add(row.permission.codename)
    scope = target._meta.model_name or ""
    return [(person, _maximal(held, scope)) for person, held in by_person.items()]


def _role_for(name: str, target: Model) -> Role:
    role = ROLES.get(name)
    if role is None or target._meta.model_name not in role.scopes:
        raise Invalid(f"There is no role “{name}” for a {target._meta.verbose_name}.")
    return role


def _may_grant(by: Any, to: Any, target: Model) -> None:
    """Administrators grant; nobody grants to themselves (ATTACKS C9)."""
    require(by, Capability.ADMINISTER)
    if by.pk == to.pk:
        raise Forbidden(
            "You cannot change your own roles. Ask another administrator.", code="own-roles"
        )


def _record(event: str, by: Any, to: Any, role: Role, target: Model) -> None:
    record(
        event,
        actor=person_actor(by),
        project=target.pk if target._meta.model_name == "project" else None,
        object={
            "kind": str(target._meta.model_name),
            "id": str(target.pk),
            "person": str(to.actor_ref),
            "role": role.name,
        },
    )


@transaction.atomic
def grant_role(*, by: Any, to: Any, role: str, target: Model) -> None:
    """Give `to` every capability of `role` on `target`.

    Raises Forbidden unless `by` is an administrator and somebody else, Invalid for a role that does
    not exist for this kind of object.
    """
    _may_grant(by, to, target)
    found = _role_for(role, target)
    for capability in found.capabilities:
        assign_perm(capability.value, to, target)
    _record("role.granted", by, to, found, target)


@transaction.atomic
def revoke_role(*, by: Any, to: Any, role: str, target: Model) -> None:
    """Take from `to` what only this role gave. Raises as `grant_role` does."""
    _may_grant(by, to, target)
    found = _role_for(role, target)
    keep: set[Capability] = set()
    for person, roles in roles_held(target):
        if person.pk == to.pk:
            keep = {c for r in roles if r.name != role for c in r.capabilities}
    for capability in found.capabilities - keep:
        remove_perm(capability.value, to, target)
    _record("role.revoked", by, to, found, target)


@transaction.atomic
def found_administrator(*, to: Any, target: Model, actor: Any) -> None:
    """The first administrator of an empty portal, granted by the system (set-up only).

    Raises Forbidden once anybody administers the portal.
    """
    if any(row.permission.codename == Capability.ADMINISTER for row in holders(target)):
        raise Forbidden("This portal already has an administrator.", code="has-administrator")
    for capability in ROLES["administrator"].capabilities:
        assign_perm(capability.value, to, target)
    record(
        "role.granted",
        actor=actor,
        object={
            "kind": "organisation",
            "id": str(target.pk),
            "person": str(to.actor_ref),
            "role": "administrator",
        },
    )
