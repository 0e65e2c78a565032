"""What people see of connections: lists, one of them, and how the sources of a project do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import gettext as _

from approvals.context.registry import CONNECTED, REMOTE
from approvals.models import Connection, Reading, Request
from approvals.states import WAITING
from portal.access import Capability, require
from portal.directory.models import Project
from portal.directory.queries import load_project
from portal.kernel.clock import now
from portal.kernel.errors import NotFound

RECENT = 20  # requests among which the last answer of a source is looked for


def connections_of(project: Project | None) -> QuerySet[Connection]:
    """Those of a project, or without one of the organisation; archived ones are gone."""
    rows = Connection.objects.filter(project=project, archived_at=None)
    return rows.select_related("environment").order_by("name")


def load_connection(person: Any, connection_id: UUID) -> Connection:
    """One that `person` may change. Raises NotFound where it is not theirs to see, Forbidden."""
    rows = Connection.objects.select_related("project", "environment", "created_by")
    found = rows.filter(pk=connection_id).first()
    if found is None:
        raise NotFound(_("There is no such connection, or it is not yours to see."))
    if found.project is None:
        require(person, Capability.ADMINISTER)
    else:
        load_project(person, found.project.pk)
        require(person, Capability.MAINTAIN, found.project)
    return found


def kind_title(kind: str) -> str:
    """What a kind of connection is called; its name where no package brings it any more."""
    return CONNECTED[kind].title if kind in CONNECTED else kind


def state_of(connection: Connection, at: datetime) -> str:
    """One word: archived, paused, missing, limited, open, trying, failing, unused or works."""
    if connection.archived_at:
        return "archived"
    if connection.paused_at:
        return "paused"
    if connection.kind not in CONNECTED:
        return "missing"
    if connection.limited_until and connection.limited_until > at:
        return "limited"
    breaker = connection.breaker(at)
    if breaker != "closed":
        return "open" if breaker == "open" else "trying"
    failed, worked = connection.last_error_at, connection.last_success_at
    if failed and (worked is None or failed > worked):
        return "failing"
    return "works" if worked else "unused"


@dataclass(frozen=True)
class SourceRow:
    """One source that requests of a project ask: what it is, how it does, who waits for it."""

    title: str
    name: str
    where: str
    state: str
    connection: Connection | None
    last_success_at: datetime | None
    error: str
    error_at: datetime | None
    waiting: int


def sources_of(project: Project) -> list[SourceRow]:
    """Every remote source of a project, those that need no connection first."""
    at, waiting = now(), _waiting(project)
    plain = REMOTE if project.repository else ()  # without one there is nothing to read
    rows = [
        _plain_row(source.key, waiting.get(source.key) or _lately(project, source.key))
        for source in plain
    ]
    connected = Connection.objects.filter(
        Q(project=project) | Q(project__isnull=True), archived_at=None
    ).select_related("environment")
    for one in connected.order_by("project", "name"):
        found = waiting.get(one.key)
        rows.append(
            SourceRow(
                title=kind_title(one.kind),
                name=one.name,
                where=_where(one),
                state=state_of(one, at),
                connection=one,
                last_success_at=one.last_success_at,
                error=one.last_error,
                error_at=one.last_error_at,
                waiting=found["waiting"] if found else 0,
            )
        )
    return rows


def _waiting(project: Project) -> dict[str, dict[str, Any]]:
    """For each source the requests that wait and ask it, and when it answered one of them last."""
    rows = Reading.objects.filter(
        request__project=project, request__status__in=[status.value for status in WAITING]
    )
    grouped = rows.values("source").annotate(
        waiting=Count("pk"),
        answered=Max("observed_at"),
        failing=Count("pk", filter=~Q(error="")),
        error=Max("error"),
    )
    return {row["source"]: dict(row) for row in grouped}


def _lately(project: Project, key: str) -> dict[str, Any] | None:
    """How a source without a connection did when a request asked it last, now that none waits."""
    newest = Request.objects.filter(project=project).order_by("-created_at").values("pk")
    rows = Reading.objects.filter(request__in=newest[:RECENT], source=key)
    last = rows.exclude(observed_at=None, error="").order_by("-request_id").first()
    if last is None:
        return None
    error = last.error
    return {"waiting": 0, "answered": last.observed_at, "failing": bool(error), "error": error}


def _plain_row(key: str, found: dict[str, Any] | None) -> SourceRow:
    failing = bool(found and found["failing"])
    state = "failing" if failing else "works" if found and found["answered"] else "unused"
    return SourceRow(
        title=key,
        name="",
        where=_("every environment"),
        state=state,
        connection=None,
        last_success_at=found["answered"] if found else None,
        error=found["error"] if found and failing else "",
        error_at=None,
        waiting=found["waiting"] if found else 0,
    )


def _where(connection: Connection) -> str:
    if connection.project_id is None:
        return _("the whole organisation")
    return connection.environment.name if connection.environment else _("every environment")
