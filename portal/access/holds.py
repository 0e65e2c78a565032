"""Questions about capabilities. Read at the moment of use, never cached across requests.

guardian's own `has_perm` says yes to every superuser and its lists keep inactive people, so both
questions are put to the permission tables directly. What has an end counts until then and not a
moment longer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet

from portal.access.capabilities import Capability
from portal.access.models import PERMISSION_TABLES, OrganisationUserPermission, in_time
from portal.kernel.clock import now
from portal.kernel.errors import Forbidden

# What an organisation-wide role reaches inside every project, group and policy.
_EVERYWHERE = {Capability.VIEW, Capability.MAINTAIN, Capability.DRAFT_POLICY, Capability.AUDIT,
               Capability.MANAGE_GROUP, Capability.PUBLISH_POLICY}  # fmt: skip

_HELD = """
SELECT {place}, held.until FROM {table} AS held
JOIN portal_user AS person ON person.id = held.user_id AND person.is_active
WHERE held.user_id = %(person)s AND held.permission_id IN (SELECT id FROM wanted)
    AND (held.until IS NULL OR held.until > %(at)s)
"""
_PLACES = f"""
WITH wanted AS (
    SELECT id FROM auth_permission WHERE codename = %(codename)s
), held (project, environment, until) AS (
    {_HELD.format(place="NULL::uuid, NULL::uuid", table="portal_organisationuserpermission")}
    UNION ALL
    {_HELD.format(place="content_object_id, NULL", table="portal_projectuserpermission")}
    UNION ALL
    {_HELD.format(place="NULL, content_object_id", table="portal_environmentuserpermission")}
)
SELECT coalesce(bool_or(project IS NULL AND environment IS NULL), false),
       coalesce(array_agg(project) FILTER (WHERE project IS NOT NULL), ARRAY[]::uuid[]),
       coalesce(array_agg(environment) FILTER (WHERE environment IS NOT NULL), ARRAY[]::uuid[]),
       min(until)
FROM held
"""  # noqa: S608  (constants)


def _table(target: Any) -> Any:
    """The permission table of an object or model."""
    return PERMISSION_TABLES[str(target._meta.model_name)]


def _held_on_organisation(user: Any, capability: Capability) -> bool:
    return OrganisationUserPermission.objects.filter(
        in_time(), user_id=user.pk, user__is_active=True, permission__codename=capability.value
    ).exists()


def holds(user: Any, capability: Capability, target: Model | None = None) -> bool:
    """Whether `user` holds `capability` on `target`; without a target, on the whole portal."""
    if not user.is_active or user.pk is None:
        return False
    if target is not None:
        direct = _table(target)
        if direct.objects.filter(
            in_time(),
            user_id=user.pk,
            content_object_id=target.pk,
            permission__codename=capability.value,
        ).exists():
            return True
        if capability not in _EVERYWHERE:
            return False
    return _held_on_organisation(user, capability)


def require(user: Any, capability: Capability, target: Model | None = None) -> None:
    """Raise Forbidden, saying which permission is missing on what, unless `user` holds it."""
    if holds(user, capability, target):
        return
    what = str(target) if target is not None else "this portal"
    verb = capability.value.replace("_", " ")
    raise Forbidden(
        f"You need the permission “{verb}” on {what}. An administrator can grant it.",
        code="missing-permission",
    )


def permitted_ids(user: Any, capability: Capability, model: type[Model]) -> list[UUID] | None:
    """Ids of the `model` rows on which `user` holds `capability`; None means every one."""
    if not user.is_active or user.pk is None:
        return []
    if capability in _EVERYWHERE and _held_on_organisation(user, capability):
        return None
    return list(
        _table(model)
        .objects.filter(in_time(), user_id=user.pk, permission__codename=capability.value)
        .values_list("content_object_id", flat=True)
    )


@dataclass(frozen=True)
class Places:
    """Where a person holds a capability: everywhere, or on these projects and environments.

    `until`: when the first of it ends by itself; None where nothing does.
    """

    everywhere: bool
    projects: list[UUID]
    environments: list[UUID]
    until: datetime | None = None


def places_of(user: Any, capability: Capability) -> Places:
    """Where `user` holds `capability`, read in one statement: every open page asks it often."""
    if not user.is_active or user.pk is None:
        return Places(False, [], [])
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {"person": user.pk, "codename": capability.value, "at": now()})
        everywhere, projects, environments, until = cursor.fetchone()
    if everywhere and capability in _EVERYWHERE:
        return Places(True, [], [], until)
    return Places(False, projects, environments, until)


def holders(target: Model) -> "QuerySet[Any]":
    """Permission rows on `target` that count now, with person and permission."""
    return (  # type: ignore[no-any-return]
        _table(target)
        .objects.filter(in_time(), content_object_id=target.pk)
        .select_related("user", "permission")
        .order_by("user__name", "permission__codename")
    )
