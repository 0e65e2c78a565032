"""Answers of outside systems, kept for everybody who asks the same; one asks, the others wait:
the threads of a process for a lock, processes for a row."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection as database

from approvals.models import AnswerTurn, KeptAnswer
from portal.kernel.clock import now

KEEP = timedelta(days=1)
MOST_BYTES = 2 * 1024 * 1024  # a longer answer is used and not kept
MOST_ETAG = 500

FIRST_LOOK = 0.02  # seconds; doubles up to the longest
LONGEST_LOOK = 0.2

_TAKE = """
INSERT INTO approvals_answerturn AS turn (connection_id, key, until) VALUES (%s, %s, %s)
ON CONFLICT (connection_id, key) DO UPDATE SET until = EXCLUDED.until WHERE turn.until < %s
RETURNING id
"""
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


@contextmanager
def turn(connection_id: UUID, key: str, seconds: float) -> Iterator[bool]:
    """Wait until no other process asks the same; False when `seconds` passed before.

    Who is killed meanwhile loses the turn when the seconds are over that it had itself.
    """
    ends, pause = time.monotonic() + seconds, FIRST_LOOK
    until = _take(connection_id, key, seconds)
    while until is None and time.monotonic() + pause < ends:
        time.sleep(pause)
        pause = min(LONGEST_LOOK, 2 * pause)
        until = _take(connection_id, key, ends - time.monotonic())
    try:
        yield until is not None
    finally:
        if until is not None:
            AnswerTurn.objects.filter(connection_id=connection_id, key=key, until=until).delete()


def _take(connection_id: UUID, key: str, seconds: float) -> datetime | None:
    """Until when the turn is ours; None while somebody else has it."""
    at = now()
    until = at + timedelta(seconds=max(0.0, seconds))
    with database.cursor() as cursor:
        cursor.execute(_TAKE, [connection_id, key, until, at])
        return until if cursor.fetchone() else None


def prune_answers() -> int:
    """Forget what nobody asked for since a day, a thousand at once; how many."""
    AnswerTurn.objects.filter(until__lt=now() - KEEP).delete()
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
