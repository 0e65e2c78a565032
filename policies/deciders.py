"""Which approver groups the policies in force may ask, and where: what membership is worth.

Which of them a request needs depends on its facts; nobody who touched a change decides on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from policies.language.document import PinnedVersion
from policies.language.globs import match_glob
from policies.queries import all_in_force, match_project
from portal.access import Capability, places_of
from portal.directory.models import Environment


@dataclass(frozen=True)
class Asked:
    """One approver group that may be asked on one environment, and by which policies."""

    environment: Environment
    group: str
    policies: tuple[str, ...]

    @property
    def place(self) -> str:
        """“shop/production”."""
        return f"{self.environment.project.slug}/{self.environment.name}"


def environments_seen_by(reader: Any) -> list[Environment]:
    """The environments, not archived, that `reader` may view; by project and name."""
    places = places_of(reader, Capability.VIEW)
    rows = Environment.objects.filter(archived_at=None, project__archived_at=None)
    if not places.everywhere:
        rows = rows.filter(Q(project__in=places.projects) | Q(pk__in=places.environments))
    return list(rows.select_related("project").order_by("project__slug", "name"))


def asked_on(environments: Iterable[Environment]) -> list[Asked]:
    """Every group that may be asked on one of them, by place and group; one query.

    Raises BrokenPolicy when a version in force cannot be read: whom it asks is unknown then.
    """
    policies = [one for one in all_in_force() if one.document.mode == "enforce"]
    near: dict[UUID, list[PinnedVersion]] = {}
    found = []
    for environment in environments:
        project = environment.project
        if project.pk not in near:
            fitting = [one for one in policies if match_project(one.document.match, project.slug)]
            near[project.pk] = fitting
        found += _asked(environment, near[project.pk])
    return found


def _asked(environment: Environment, policies: list[PinnedVersion]) -> list[Asked]:
    by_group: dict[str, list[str]] = {}
    for pinned in policies:
        document = pinned.document
        if any(match_glob(one, environment.name) for one in document.match.environments):
            for group in document.asked_groups:
                by_group.setdefault(group, []).append(document.policy)
    return [
        Asked(environment, group, tuple(sorted(names))) for group, names in sorted(by_group.items())
    ]
