"""Answers of outside systems, kept for everybody who asks the same; one asks, the others wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.db import connection as database

from approvals.models import KeptAnswer
from portal.kernel.clock import now

KEEP = timedelta(days=1)
MOST_BYTES = 2 * 1024 * 1024  # a longer answer is used and not kept
MOST_ETAG = 500

_PRUNE = """
DELETE FROM approvals_keptanswer WHERE id IN (
    SELECT id FROM approvals_keptanswer WHERE asked_at < %s
    ORDER BY asked_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


def last_answer(connection_id: UUID, key: str) -> KeptAnswer | None:
    """The last answer to this question, however old; its `etag` may show that it still holds."""
    return KeptAnswer.objects.filter(connection_id=connection_id, key=key).first()


def keep_answer(answer: KeptAnswer) -> None:
    """Store it in place of what was there."""
    if len(answer.body) > MOST_BYTES:
        return
    KeptAnswer.objects.bulk_create(
        [answer],
        update_conflicts=True,
        unique_fields=["connection", "key"],
        update_fields=["status", "body", "etag", "asked_at"],
    )


def prune_answers() -> int:
    """Forget what nobody asked for since a day, a thousand at once; how many."""
    with database.cursor() as cursor:
        cursor.execute(_PRUNE, [now() - KEEP])
        return int(cursor.rowcount)


class Queue:
    """Lets one of those who ask the same through at a time, within this process."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: dict[tuple[UUID, str], tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, connection_id: UUID, key: str, seconds: float) -> Iterator[bool]:
        """Wait for one's turn; False when `seconds` passed before it came."""
        what = (connection_id, key)
        with self._guard:
            lock, count = self._waiting.get(what, (threading.Lock(), 0))
            self._waiting[what] = (lock, count + 1)
        taken = lock.acquire(timeout=max(0.0, seconds))
        try:
            yield taken
        finally:
            if taken:
                lock.release()
            with self._guard:
                lock, count = self._waiting.pop(what)
                if count > 1:
                    self._waiting[what] = (lock, count - 1)
