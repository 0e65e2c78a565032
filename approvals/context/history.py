"""What the portal's own tables tell about one environment, read in one statement: its past, its
calendar, the connections that reach it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from approvals.context.configured import CONNECTIONS_SQL, Configured, configured_from
from policies.freezes.queries import CALENDAR_SQL, calendar_from, calendar_parameters
from policies.freezes.state import Calendar

MOST_MEASURED = 1000  # medians are of the newest: every POST waits for this statement

# A restore is counted from the first failure of a row of them to the success that follows: the
# nearest later one, which is the least of those met so far when reading from the newest.
_PERMITS = """
FROM approvals_permit
WHERE environment_id = %(environment)s AND action = %(action)s AND finished_at IS NOT NULL
"""
_SQL = f"""
SELECT running.commit, running.finished_at, last.status, month.issued_7d, month.failed_7d,
       month.issued, month.failed, newest.lead_time_s, newest.restore_time_s,
       reached.connections, calendar.windows, calendar.exceptions, calendar.silences
FROM ({CALENDAR_SQL}) AS calendar
CROSS JOIN ({CONNECTIONS_SQL}) AS reached
LEFT JOIN LATERAL (
    SELECT r.subject->>'commit' AS commit, p.finished_at
    FROM (SELECT request_id, finished_at {_PERMITS} AND status = 'succeeded'
          ORDER BY finished_at DESC LIMIT 1) AS p
    JOIN approvals_request r ON r.id = p.request_id) AS running ON true
LEFT JOIN LATERAL (
    SELECT status {_PERMITS} ORDER BY finished_at DESC LIMIT 1) AS last ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS issued, count(*) FILTER (WHERE status <> 'succeeded') AS failed,
           count(*) FILTER (WHERE finished_at > %(week)s) AS issued_7d,
           count(*) FILTER (WHERE status <> 'succeeded' AND finished_at > %(week)s) AS failed_7d
    {_PERMITS} AND finished_at > %(month)s) AS month
CROSS JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lead_time_s) AS lead_time_s,
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY extract(epoch FROM restored_at - finished_at))
               FILTER (WHERE failed AND failed_before IS NOT TRUE) AS restore_time_s
    FROM (
        SELECT finished_at, lead_time_s, status <> 'succeeded' AS failed,
               min(finished_at) FILTER (WHERE status = 'succeeded') OVER newest AS restored_at,
               lead(status <> 'succeeded') OVER newest AS failed_before
        {_PERMITS} AND finished_at > %(month)s
        WINDOW newest AS (ORDER BY finished_at DESC ROWS UNBOUNDED PRECEDING)
        ORDER BY finished_at DESC LIMIT {MOST_MEASURED}) AS ended) AS newest
"""  # noqa: S608  (only constants are put in)


@dataclass(frozen=True)
class History:
    """An environment's past of one action; `running_commit` is empty until one succeeded.

    `lead_time_s` (from commit to success) and `restore_time_s` (from failure to the next success)
    are medians of thirty days, None where nothing was measured.
    """

    running_commit: str
    running_since: datetime | None
    last_outcome: str
    permits_7d: int
    failures_7d: int
    permits_30d: int = 0
    failures_30d: int = 0
    lead_time_s: float | None = None
    restore_time_s: float | None = None


def history_of(
    project_id: UUID, environment_id: UUID, action: str, now: datetime
) -> tuple[History, Calendar, tuple[Configured, ...]]:
    """Read all three in one statement.

    The past is of this action alone: a harmless smoke test must not become what a deployment is
    compared with.
    """
    parameters = calendar_parameters(project_id, environment_id, action, now)
    with connection.cursor() as cursor:
        spans = {"week": now - timedelta(days=7), "month": now - timedelta(days=30)}
        cursor.execute(_SQL, {**parameters, **spans})
        commit, since, last, *figures, reached, windows, exceptions, silences = cursor.fetchone()
    past = History(commit or "", since, last or "none", *figures)
    calendar = calendar_from(windows, exceptions, silences)
    return past, calendar, configured_from(reached)
