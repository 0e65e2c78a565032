"""Whether a connection may be asked now: its circuit breaker and the limit of the other side.

Both stand in its row, so that every process keeps to them, and move by conditional updates only.
"""

import random
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, F, Q, Value, When

from approvals.context.limits import Limit
from approvals.context.source import SourceFailed
from approvals.models.connection import OPEN_AFTER, Connection
from portal.kernel.clock import now
from portal.kernel.text import make_visible

FIRST_PAUSE = 15.0
LONGEST_PAUSE = 300.0
TRIAL = timedelta(seconds=15)  # for how long one question tries alone whether it answers again


class NotAskedNow(SourceFailed):
    """It was not asked at all: its breaker is open, or it wants to be left alone."""


def usable(connection_id: UUID) -> Connection:
    """The connection as it is now. Raises SourceFailed when it was paused or archived."""
    found = Connection.objects.filter(pk=connection_id, archived_at=None, paused_at=None).first()
    if found is None:
        raise SourceFailed("its connection was paused or archived")
    return found


def require_unlimited(connection: Connection, *, urgent: bool) -> None:
    """Raise NotAskedNow until the time that the other side set; for what is not `urgent` also
    while only the questions are left that are kept for redeeming."""
    until, at = connection.limited_until, now()
    if until is not None and until > at:
        raise NotAskedNow(f"it allows no more questions before {_clock(until)}")
    left, resets_at = connection.limit_left, connection.limit_resets_at
    if urgent or left is None or resets_at is None or resets_at <= at:
        return
    if connection.limit_reserve and left <= connection.limit_reserve:
        raise NotAskedNow(
            f"the {left} questions that it allows before {_clock(resets_at)} are kept for redeeming"
        )


def require_closed(connection: Connection) -> None:
    """Raise NotAskedNow while the breaker is open; when its time is over, one tries alone."""
    until, at = connection.open_until, now()
    if until is None:
        return
    if until > at:
        raise NotAskedNow(
            f"it failed {connection.failures} times in a row ({connection.last_error}) and is not"
            f" asked before {_clock(until)}"
        )
    same = Connection.objects.filter(pk=connection.pk, open_until=until)
    if not same.update(open_until=at + TRIAL):
        raise NotAskedNow("it failed before, and is being tried again just now")


def note_answer(connection: Connection, limit: Limit) -> None:
    """It answered: the breaker closes. Keeps what it says about its limit."""
    Connection.objects.filter(pk=connection.pk).update(
        failures=0, open_until=None, last_success_at=now(), **_columns(limit)
    )


def note_alive(connection: Connection) -> None:
    """It refused, so it is there: the breaker closes, or one who signs in could never try again."""
    Connection.objects.filter(pk=connection.pk).exclude(failures=0, open_until=None).update(
        failures=0, open_until=None
    )


def note_limit(connection: Connection, limit: Limit) -> None:
    """It wants to be left alone for a while, which is no failure."""
    Connection.objects.filter(pk=connection.pk).update(**_columns(limit))


def note_failure(connection: Connection) -> None:
    """It did not answer: so often in a row opens the breaker, each time for longer."""
    more = max(0, connection.failures + 1 - OPEN_AFTER)
    seconds = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(more, 10))
    pause = timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311  (jitter)
    Connection.objects.filter(pk=connection.pk).update(
        failures=F("failures") + 1,
        open_until=Case(When(failures__gte=OPEN_AFTER - 1, then=Value(now() + pause))),
    )


def note_error(connection: Connection, why: str) -> None:
    """Keep, for people, what went wrong last; the same again within seconds costs no write."""
    why, at = make_visible(why)[:500], now()
    news = ~Q(last_error=why) | Q(last_error_at__lt=at - timedelta(seconds=5))
    rows = Connection.objects.filter(news | Q(last_error_at=None), pk=connection.pk)
    rows.update(last_error=why, last_error_at=at)


def _columns(limit: Limit) -> dict[str, object]:
    return {
        "limit_left": limit.left,
        "limit_resets_at": limit.resets_at,
        "limit_reserve": limit.reserve,
        "limited_until": limit.until,
    }


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"
