"""What the portal's own tables tell about one environment, read in one statement: its past, its
calendar, the connections that reach it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from approvals.context.configured import CONNECTIONS_SQL, Configured, configured_from
from policies.freezes.queries import CALENDAR_SQL, calendar_from, calendar_parameters
from policies.freezes.state import Calendar

_SQL = f"""
SELECT running.commit, running.finished_at, last.status, week.issued, week.failed,
       reached.connections, calendar.windows, calendar.exceptions, calendar.silences
FROM ({CALENDAR_SQL}) AS calendar
CROSS JOIN ({CONNECTIONS_SQL}) AS reached
LEFT JOIN LATERAL (
    SELECT r.subject->>'commit' AS commit, p.finished_at
    FROM approvals_permit p JOIN approvals_request r ON r.id = p.request_id
    WHERE p.environment_id = %(environment)s AND p.finished_at IS NOT NULL
      AND p.status = 'succeeded' AND r.action = %(action)s
    ORDER BY p.finished_at DESC LIMIT 1) AS running ON true
LEFT JOIN LATERAL (
    SELECT p.status FROM approvals_permit p JOIN approvals_request r ON r.id = p.request_id
    WHERE p.environment_id = %(environment)s AND p.finished_at IS NOT NULL
      AND r.action = %(action)s
    ORDER BY p.finished_at DESC LIMIT 1) AS last ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS issued, count(*) FILTER (WHERE p.status IN ('failed', 'lost')) AS failed
    FROM approvals_permit p JOIN approvals_request r ON r.id = p.request_id
    WHERE p.environment_id = %(environment)s AND p.finished_at > %(since)s
      AND r.action = %(action)s) AS week
"""  # noqa: S608  (only constants are put in)


@dataclass(frozen=True)
class History:
    """An environment's past of one action; `running_commit` is empty until one succeeded."""

    running_commit: str
    running_since: datetime | None
    last_outcome: str
    permits_7d: int
    failures_7d: int


def history_of(
    project_id: UUID, environment_id: UUID, action: str, now: datetime
) -> tuple[History, Calendar, tuple[Configured, ...]]:
    """Read all three in one statement.

    The past is of this action alone: a harmless smoke test must not become what a deployment is
    compared with.
    """
    parameters = calendar_parameters(project_id, environment_id, action, now)
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {**parameters, "since": now - timedelta(days=7)})
        commit, since, last, issued, failed, reached, *calendar = cursor.fetchone()
    past = History(commit or "", since, last or "none", issued, failed)
    return past, calendar_from(*calendar), configured_from(reached)
