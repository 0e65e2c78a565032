"""The facts that connections name, for those who write a policy."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.dispatch import receiver

from approvals.context.configured import Configured
from approvals.context.connected import Connected
from approvals.context.registry import CONNECTED
from approvals.models import Connection
from policies.language.document import Match
from policies.language.globs import match_glob
from policies.named import asked_for_names
from portal.directory.queries import visible_projects


@receiver(asked_for_names, dispatch_uid="connections.named")
def names_of_connections(sender: Any, match: Match, person: Any, **kwargs: Any) -> frozenset[str]:
    """What the connections give that reach where `match` fits; paused ones will again.

    Of projects that `person` may not see none is counted: its names would be given away.
    """
    seen = Q(project=None) | Q(project__in=visible_projects(person))
    rows = Connection.objects.filter(seen, archived_at=None, kind__in=list(CONNECTED))
    reaching = (row for row in rows.select_related("project", "environment") if _fits(row, match))
    return frozenset(fact.name for row in reaching for fact in _connected(row).fact_types())


def _fits(row: Connection, match: Match) -> bool:
    projects = row.project is None or _any(match.projects, row.project.slug)
    return projects and (row.environment is None or _any(match.environments, row.environment.name))


def _any(patterns: Iterable[str], name: str) -> bool:
    return any(match_glob(pattern, name) for pattern in patterns)


def _connected(row: Connection) -> Connected:
    return Connected(CONNECTED[row.kind], Configured(row.pk, row.kind, row.name, row.settings))
