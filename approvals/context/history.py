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
"""


@dataclass(frozen=True)
class History:
    """An environment's past of one action; `running_commit` is empty until one succeeded."""

    running_commit: str
    running_since: datetime | None
    last_outcome: str
    permits_7d: int
    failures_7d: int


def history_of(environment_id: UUID, action: str, now: datetime) -> History:
    """Read it in one statement.

    Of this action alone: a harmless smoke test must not become what a deployment is compared with.
    """
    since = now - timedelta(days=7)
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"environment": environment_id, "action": action, "since": since})
        commit, since, last, issued, failed = cursor.fetchone()
    return History(commit or "", since, last or "none", issued, failed)
