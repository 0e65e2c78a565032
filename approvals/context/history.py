"""One environment's past, read from the portal's own tables in one statement."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

_SQL = """
SELECT running.commit, running.finished_at, last.status, week.issued, week.failed
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (
    SELECT r.subject->>'commit' AS commit, p.finished_at
    FROM approvals_permit p JOIN approvals_request r ON r.id = p.request_id
    WHERE p.environment_id = %(environment)s AND p.finished_at IS NOT NULL
      AND p.status = 'succeeded'
    ORDER BY p.finished_at DESC LIMIT 1) AS running ON true
LEFT JOIN LATERAL (
    SELECT p.status FROM approvals_permit p
    WHERE p.environment_id = %(environment)s AND p.finished_at IS NOT NULL
    ORDER BY p.finished_at DESC LIMIT 1) AS last ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS issued, count(*) FILTER (WHERE p.status IN ('failed', 'lost')) AS failed
    FROM approvals_permit p
    WHERE p.environment_id = %(environment)s AND p.finished_at > %(since)s) AS week
"""


@dataclass(frozen=True)
class History:
    """One environment's past. `running_commit` is empty when nothing succeeded there yet."""

    running_commit: str
    running_since: datetime | None
    last_outcome: str
    permits_7d: int
    failures_7d: int


def history_of(environment_id: UUID, now: datetime) -> History:
    """Read it in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"environment": environment_id, "since": now - timedelta(days=7)})
        commit, since, last, issued, failed = cursor.fetchone()
    return History(commit or "", since, last or "none", issued, failed)
