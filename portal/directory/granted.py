"""Grants of roles with their objects by name: a grant itself knows only kind and id."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from portal.access.models import PERMISSION_TABLES, RoleGrant, in_time
from portal.directory.models import Environment


@dataclass(frozen=True)
class Granted:
    """One grant, its object (None where that is gone) and what the object is called."""

    grant: RoleGrant
    target: Any

    @property
    def place(self) -> str:
        """“shop”, “shop/production”, “team-leads”."""
        if isinstance(self.target, Environment):
            return f"{self.target.project.slug}/{self.target.name}"
        return str(self.target) if self.target is not None else "–"


def _rows(kind: str, ids: list[str]) -> Any:
    model = PERMISSION_TABLES[kind]._meta.get_field("content_object").related_model
    rows = model._default_manager.filter(pk__in=ids)
    return rows.select_related("project") if kind == "environment" else rows


def named(grants: Iterable[RoleGrant]) -> list[Granted]:
    """These grants with their objects; one query for each kind of object."""
    listed = list(grants)
    targets: dict[tuple[str, str], Any] = {}
    for kind in {grant.kind for grant in listed}:
        for row in _rows(kind, [grant.object_id for grant in listed if grant.kind == kind]):
            targets[kind, str(row.pk)] = row
    return [Granted(grant, targets.get((grant.kind, grant.object_id))) for grant in listed]


def grants_of(person: Any) -> list[Granted]:
    """What `person` holds now, by kind of object and role."""
    rows = RoleGrant.objects.filter(in_time(), person=person).select_related("granted_by")
    return named(rows.order_by("kind", "role", "object_id"))
