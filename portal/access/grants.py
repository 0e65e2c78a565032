"""Granting and revoking roles: the permissions they amount to, and which role gave them."""

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from portal.access.administered import check_administered, lock_portal
from portal.access.capabilities import ROLES, Capability, Role
from portal.access.holds import holders, require
from portal.access.models import RoleGrant, in_time
from portal.access.settle import place_of, settle
from portal.kernel.canonical import commitment
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Forbidden, Invalid, NotFound
from portal.kernel.validation import check_row, invalid
from portal.ledger.actors import SYSTEM, Actor, person_actor
from portal.ledger.record import hint_person, record

BATCH = 200  # ended grants that one sweep removes


def roles_held(target: Model) -> list[tuple[Any, list[RoleGrant]]]:
    """Each person with roles on `target` now, by name, and the grants in the order of the roles."""
    by_person: dict[Any, list[RoleGrant]] = {}
    rows = RoleGrant.objects.filter(in_time(), **place_of(target)).select_related(
        "person", "granted_by"
    )
    for row in rows.order_by("person__name", "person_id", "role"):
        by_person.setdefault(row.person, []).append(row)
    return list(by_person.items())


def _role_for(name: str, target: Model) -> Role:
    role = ROLES.get(name)
    if role is None or target._meta.model_name not in role.scopes:
        raise Invalid(f"There is no role “{name}” for a {target._meta.verbose_name}.")
    return role


def _may_grant(by: Any, to: Any) -> None:
    """Administrators grant; nobody grants to themselves (ATTACKS C9)."""
    require(by, Capability.ADMINISTER)
    if by.pk == to.pk:
        raise Forbidden(
            "You cannot change your own roles. Ask another administrator.", code="own-roles"
        )


def check_grant(*, by: Any, to: Any, role: str, target: Model, until: datetime | None) -> Role:
    """The role, where `grant_role` would have nothing against granting it. Raises as that does."""
    _may_grant(by, to)
    found = _role_for(role, target)
    if until is not None and until <= now():
        raise invalid("until", "Choose a time in the future.")
    return found


def _record(event: str, actor: Actor, grant: RoleGrant, *, reason: bool = False) -> None:
    said = {"reason_commit": commitment(bytes(grant.reason_salt), grant.reason)}
    ends = {"until": rfc3339(grant.until)} if grant.until else {}
    record(
        event,
        actor=actor,
        project=UUID(grant.object_id) if grant.kind == "project" else None,
        object={
            "kind": grant.kind,
            "id": grant.object_id,
            "person": str(grant.person.actor_ref),
            "role": grant.role,
            **ends,
            **({"source": grant.source} if grant.source else {}),
        },
        **(said if reason and grant.reason else {}),
    )


def _lock(person: Any, target: Model) -> None:
    """One change of a person's roles at a time: each keeps what the others still give."""
    if target._meta.model_name == "organisation":
        lock_portal()
    type(person).objects.select_for_update(no_key=True).get(pk=person.pk)


def _give(grant: RoleGrant) -> bool:
    """Write the grant over one of the same role; whether anything is different now.

    Different is also what a newer release added to the role. Given by hand, it is no longer a
    source's to take away.
    """
    place = {"kind": grant.kind, "object_id": grant.object_id}
    found = RoleGrant.objects.filter(person=grant.person, role=grant.role, **place).first()
    same = found is not None and _terms(found) == _terms(grant)
    if not same:
        check_row(grant, ["reason"])
        grant.pk, grant.granted_at = found.pk if found else None, now()
        grant.reason_salt = secrets.token_bytes(16)
        grant.save()
    return settle(grant.person, place) or not same


def _terms(grant: RoleGrant) -> tuple[Any, ...]:
    return grant.until, grant.reason, grant.source


@transaction.atomic
def grant_role(
    *,
    by: Any,
    to: Any,
    role: str,
    target: Model,
    until: datetime | None = None,
    reason: str = "",
) -> None:
    """Give `to` every capability of `role` on `target`, until `until` where that is given.

    Granting it again sets another end and reason; where nothing differs, nothing is recorded.
    Raises Forbidden unless `by` is an administrator and somebody else, Invalid for a role that does
    not exist for this kind of object or an end that has passed, Conflict where nobody would
    administer the portal without an end.
    """
    _lock(to, target)
    found = check_grant(by=by, to=to, role=role, target=target, until=until)
    grant = RoleGrant(
        person=to, role=found.name, until=until, reason=reason, granted_by=by, **place_of(target)
    )
    if _give(grant):
        _record("role.granted", person_actor(by), grant, reason=True)
    if target._meta.model_name == "organisation":
        check_administered()


@transaction.atomic
def revoke_role(*, by: Any, to: Any, role: str, target: Model) -> None:
    """Take from `to` what only this role gave; other roles granted to them stay whole.

    Raises as `grant_role` does, and NotFound for a role that `to` does not hold.
    """
    _lock(to, target)
    _may_grant(by, to)
    found = _role_for(role, target)
    mine = RoleGrant.objects.filter(in_time(), person=to, role=found.name, **place_of(target))
    grant = mine.first()
    if grant is None:
        raise NotFound(f"{to} does not hold the role “{found.title}” on {target}.")
    _take(grant)
    _record("role.revoked", person_actor(by), grant)
    if target._meta.model_name == "organisation":
        check_administered()


def _take(grant: RoleGrant) -> None:
    RoleGrant.objects.filter(pk=grant.pk).delete()
    settle(grant.person, {"kind": grant.kind, "object_id": grant.object_id})
    hint_person(grant.person_id)


def set_sourced_roles(*, to: Any, source: str, wanted: Collection[tuple[str, Model]]) -> None:
    """Have `source` give `to` exactly these roles; what somebody else gave stays as it is.

    Inside the caller's transaction. Never the administrator's: who keeps a source does not choose
    who keeps the sources. Raises Invalid for a role that does not exist for an object.
    """
    roles = [(_role_for(name, target), place_of(target)) for name, target in wanted]
    if any(Capability.ADMINISTER in role.capabilities for role, _ in roles):
        raise Invalid("Administrators are named by hand.")
    type(to).objects.select_for_update(no_key=True).get(pk=to.pk)
    places = {(role.name, place["kind"], place["object_id"]) for role, place in roles}
    for grant in RoleGrant.objects.select_related("person").filter(person=to, source=source):
        if (grant.role, grant.kind, grant.object_id) not in places:
            _take(grant)
            _record("role.revoked", SYSTEM, grant)
    for role, place in roles:
        if RoleGrant.objects.filter(in_time(), person=to, role=role.name, **place).exists():
            continue
        grant = RoleGrant(person=to, role=role.name, source=source, **place)
        _give(grant)
        _record("role.granted", SYSTEM, grant)


@transaction.atomic
def found_administrator(*, to: Any, target: Model, actor: Actor) -> None:
    """The first administrator of an empty portal, granted by the system (set-up only).

    Raises Forbidden once anybody administers the portal.
    """
    if any(row.permission.codename == Capability.ADMINISTER for row in holders(target)):
        raise Forbidden("This portal already has an administrator.", code="has-administrator")
    grant = RoleGrant(person=to, role="administrator", **place_of(target))
    _give(grant)
    _record("role.granted", actor, grant)


def remove_ended() -> int:
    """Remove grants whose end has come, each with its entry; how many.

    They count for nothing from that moment on; this only clears them away and says so.
    """
    ended = RoleGrant.objects.filter(until__lte=now()).order_by("until")
    return sum(_remove(pk) for pk in list(ended.values_list("pk", flat=True)[:BATCH]))


def _remove(grant_id: int) -> bool:
    with transaction.atomic():
        found = RoleGrant.objects.select_related("person").filter(pk=grant_id).first()
        if found is None:
            return False
        type(found.person).objects.select_for_update(no_key=True).get(pk=found.person_id)
        grant = RoleGrant.objects.filter(pk=grant_id, until__lte=now()).first()
        if grant is None:  # granted anew meanwhile, or taken
            return False
        _take(grant)
        _record("role.ended", SYSTEM, grant)
    return True
