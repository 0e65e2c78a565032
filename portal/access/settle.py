"""What a person's grants on one object amount to, kept in the permission tables."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from portal.access.models import PERMISSION_TABLES, RoleGrant, in_time


def place_of(target: Model) -> dict[str, str]:
    """How a grant names its object."""
    return {"kind": str(target._meta.model_name), "object_id": str(target.pk)}


def _amounts_to(person: Any, place: dict[str, str]) -> dict[str, datetime | None]:
    """Each capability that the grants give, and when the last of them ends."""
    found: dict[str, datetime | None] = {}
    for grant in RoleGrant.objects.filter(in_time(), person=person, **place):
        for capability in grant.definition.capabilities:
            known = found.get(capability.value, grant.until)
            found[capability.value] = _later(known, grant.until)
    return found


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else None


def settle(person: Any, place: dict[str, str]) -> bool:
    """Write what the grants of `person` there amount to; whether they got anything new.

    The caller has locked the person and records the change.
    """
    table = PERMISSION_TABLES[place["kind"]]
    kind = ContentType.objects.get_for_model(table._meta.get_field("content_object").related_model)
    rows = table.objects.filter(user=person, content_object_id=place["object_id"])
    wanted = _amounts_to(person, place)
    rows.exclude(permission__codename__in=wanted).delete()
    for row in rows.select_related("permission"):
        until = wanted.pop(row.permission.codename)
        if row.until != until:
            row.until = until
            row.save(update_fields=["until"])
    missing = list(Permission.objects.filter(content_type=kind, codename__in=wanted))
    table.objects.bulk_create(
        table(
            user=person,
            permission=permission,
            content_object_id=place["object_id"],
            until=wanted[permission.codename],
        )
        for permission in missing
    )
    return bool(missing)
