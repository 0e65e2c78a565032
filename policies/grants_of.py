"""The roles of one person, each with the object it is on by name."""

from dataclasses import dataclass
from typing import Any

from policies.models import Policy
from policies.who_can import WORDS
from portal.access.models import Organisation, RoleGrant, in_time
from portal.directory.models import ApproverGroup, Environment, Project

_KINDS: dict[str, Any] = {
    "organisation": Organisation.objects,
    "project": Project.objects,
    "environment": Environment.objects.select_related("project"),
    "approvergroup": ApproverGroup.objects,
    "policy": Policy.objects,
}


@dataclass(frozen=True)
class Granted:
    """One grant and what its object is called."""

    grant: RoleGrant
    place: str

    @property
    def words(self) -> str:
        """What the role allows there."""
        allowed = self.grant.definition.capabilities
        return " · ".join(str(words) for one, words in WORDS.items() if one in allowed)


def named(grants: list[RoleGrant]) -> list[Granted]:
    """These grants with their objects' names; one query for each kind of object."""
    names: dict[tuple[str, str], str] = {}
    for kind in {grant.kind for grant in grants}:
        ids = [grant.object_id for grant in grants if grant.kind == kind]
        for row in _KINDS[kind].filter(pk__in=ids):
            names[kind, str(row.pk)] = _name(row)
    return [Granted(grant, names.get((grant.kind, grant.object_id), "–")) for grant in grants]


def _name(row: Any) -> str:
    return f"{row.project.slug}/{row.name}" if isinstance(row, Environment) else str(row)


def grants_of(person: Any) -> list[Granted]:
    """What `person` holds now, by kind of object and role."""
    rows = RoleGrant.objects.filter(in_time(), person=person).select_related("granted_by")
    return named(list(rows.order_by("kind", "role", "object_id")))
