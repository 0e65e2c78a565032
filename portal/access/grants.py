"""Granting and revoking roles: the permissions they amount to, and which role gave them."""

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Model
from guardian.shortcuts import assign_perm, remove_perm

from portal.access.capabilities import ROLES, Capability, Role
from portal.access.holds import holders, require
from portal.access.models import RoleGrant
from portal.kernel.canonical import JSON
from portal.kernel.errors import Forbidden, Invalid, NotFound
from portal.ledger.actors import SYSTEM, Actor, person_actor
from portal.ledger.record import record


def _place(target: Model) -> dict[str, Any]:
    return {"kind": str(target._meta.model_name), "object_id": str(target.pk)}


def roles_held(target: Model) -> list[tuple[Any, list[Role]]]:
    """Each person with roles on `target`, by name, and the roles in the order of their names."""
    by_person: dict[Any, list[Role]] = {}
    rows = RoleGrant.objects.filter(**_place(target)).select_related("person")
    for row in rows.order_by("person__name", "person_id", "role"):
        by_person.setdefault(row.person, []).append(ROLES[row.role])
    return list(by_person.items())


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


def _record(event: str, actor: Actor, to: Any, role: Role, target: Model, **more: JSON) -> None:
    record(
        event,
        actor=actor,
        project=target.pk if target._meta.model_name == "project" else None,
        object={
            "kind": str(target._meta.model_name),
            "id": str(target.pk),
            "person": str(to.actor_ref),
            "role": role.name,
            **more,
        },
    )


def _lock(person: Any) -> None:
    """One change of a person's roles at a time: each keeps what the others still give."""
    type(person).objects.select_for_update(no_key=True).get(pk=person.pk)


def _give(to: Any, role: Role, target: Model, source: str = "") -> bool:
    """Whether anything was new: the grant, or what a newer release added to the role.

    Given by hand, it is no longer the source's to take away.
    """
    grant, created = RoleGrant.objects.get_or_create(
        person=to, role=role.name, **_place(target), defaults={"source": source}
    )
    if grant.source and not source:
        created = bool(RoleGrant.objects.filter(pk=grant.pk).update(source=""))
    held = {row.permission.codename for row in holders(target).filter(user=to)}
    missing = {capability.value for capability in role.capabilities} - held
    for codename in missing:
        assign_perm(codename, to, target)
    return created or bool(missing)


@transaction.atomic
def grant_role(*, by: Any, to: Any, role: str, target: Model) -> None:
    """Give `to` every capability of `role` on `target`; granting it again records nothing.

    Raises Forbidden unless `by` is an administrator and somebody else, Invalid for a role that does
    not exist for this kind of object.
    """
    _may_grant(by, to, target)
    found = _role_for(role, target)
    _lock(to)
    if _give(to, found, target):
        _record("role.granted", person_actor(by), to, found, target)


@transaction.atomic
def revoke_role(*, by: Any, to: Any, role: str, target: Model) -> None:
    """Take from `to` what only this role gave; other roles granted to them stay whole.

    Raises as `grant_role` does, and NotFound for a role that `to` does not hold.
    """
    _may_grant(by, to, target)
    found = _role_for(role, target)
    _lock(to)
    mine = RoleGrant.objects.filter(person=to, **_place(target))
    removed, _ = mine.filter(role=found.name).delete()
    if not removed:
        raise NotFound(f"{to} does not hold the role “{found.title}” on {target}.")
    _take(to, found, target)
    _record("role.revoked", person_actor(by), to, found, target)


def _take(to: Any, role: Role, target: Model) -> None:
    """The permissions that only this role gave; its grant is gone already."""
    others = RoleGrant.objects.filter(person=to, **_place(target)).values_list("role", flat=True)
    keep = {capability for name in others for capability in ROLES[name].capabilities}
    for capability in role.capabilities - keep:
        remove_perm(capability.value, to, target)


def set_sourced_roles(*, to: Any, source: str, wanted: Collection[tuple[str, Model]]) -> None:
    """Have `source` give `to` exactly these roles; what somebody else gave stays as it is.

    Inside the caller's transaction. Never the administrator's: who keeps a source does not choose
    who keeps the sources. Raises Invalid for a role that does not exist for an object.
    """
    roles = [(_role_for(name, target), target) for name, target in wanted]
    if any(Capability.ADMINISTER in role.capabilities for role, _ in roles):
        raise Invalid("Administrators are named by hand.")
    _lock(to)
    places = {(role.name, *_place(target).values()) for role, target in roles}
    for grant in RoleGrant.objects.filter(person=to, source=source):
        if (grant.role, grant.kind, grant.object_id) not in places:
            grant.delete()
            target = apps.get_model("portal", grant.kind)._default_manager.get(pk=grant.object_id)
            _take(to, ROLES[grant.role], target)
            _record("role.revoked", SYSTEM, to, ROLES[grant.role], target, source=source)
    for role, target in roles:
        if not RoleGrant.objects.filter(person=to, role=role.name, **_place(target)).exists():
            _give(to, role, target, source)
            _record("role.granted", SYSTEM, to, role, target, source=source)


@transaction.atomic
def found_administrator(*, to: Any, target: Model, actor: Actor) -> None:
    """The first administrator of an empty portal, granted by the system (set-up only).

    Raises Forbidden once anybody administers the portal.
    """
    if any(row.permission.codename == Capability.ADMINISTER for row in holders(target)):
        raise Forbidden("This portal already has an administrator.", code="has-administrator")
    role = ROLES["administrator"]
    _give(to, role, target)
    _record("role.granted", actor, to, role, target)
