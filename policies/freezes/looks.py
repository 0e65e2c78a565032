"""When requests that wait have to be judged again, because the calendar changed or a period began.

The row says so (`next_look`). Whoever takes it moves `next_look` ahead (a lease), so that a killed
worker's look comes up again by itself, goes on where it stood, and two workers never take the same.
A change of the row meanwhile makes it due at once and begins anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from policies.freezes.calendar import HORIZON, next_boundary
from policies.freezes.models import FreezeException, FreezeWindow, ImportedCalendar, Scoped
from portal.kernel.clock import now

LEASE = timedelta(seconds=60)
# Every moment counts twice: what was asked just before it may be committed just after the look.
SETTLE = timedelta(seconds=30)
STALE_AFTER = timedelta(days=1)

KINDS: dict[str, type[FreezeWindow] | type[FreezeException] | type[ImportedCalendar]] = {
    "window": FreezeWindow,
    "exception": FreezeException,
    "calendar": ImportedCalendar,
}
_FIELDS = ["next_look", "looking_since", "looked_up_to"]


@dataclass(frozen=True)
class Look:
    """A look somebody holds until `leased`: at requests of this scope after `up_to`."""

    kind: str
    id: UUID
    project_id: UUID | None
    environment_id: UUID | None
    up_to: UUID | None
    leased: datetime


def look_now(row: Scoped, at: datetime) -> list[str]:
    """What the calendar says changed: whatever waits has to be judged again; fields to save."""
    row.changed_at = row.next_look = at
    row.looking_since = row.looked_up_to = None
    return ["changed_at", *_FIELDS]


def due_looks(limit: int = 50) -> list[tuple[str, UUID]]:
    """Looks whose time has come, by kind and id."""
    return [
        (kind, pk)
        for kind, model in KINDS.items()
        for pk in model.objects.filter(next_look__lte=now())
        .order_by("next_look")
        .values_list("pk", flat=True)[:limit]
    ]


@transaction.atomic
def take_look(kind: str, row_id: UUID) -> Look | None:
    """Take a look that is due; None when it is not, or somebody else has it."""
    at = now()
    due = KINDS[kind]._default_manager.filter(pk=row_id, next_look__lte=at)
    row = due.select_for_update(skip_locked=True).first()
    if row is None:
        return None
    row.looking_since = row.looking_since or at
    row.next_look = at + LEASE
    row.save(update_fields=_FIELDS)
    return Look(kind, row.pk, row.project_id, row.environment_id, row.looked_up_to, row.next_look)


def go_on(look: Look, up_to: UUID, *, rest: bool = False) -> Look | None:
    """Note how far the look came and hold it longer, or `rest`: leave it due for the next worker.

    None when it is not ours any more.
    """
    at = now()
    until = at if rest else at + LEASE
    held = KINDS[look.kind]._default_manager.filter(pk=look.id, next_look=look.leased)
    if not held.update(next_look=until, looked_up_to=up_to):
        return None
    return replace(look, up_to=up_to, leased=until)


@transaction.atomic
def finish(look: Look) -> None:
    """Everything that waited was judged: the next look is at the next moment."""
    held = KINDS[look.kind]._default_manager.filter(pk=look.id, next_look=look.leased)
    row = held.select_for_update().first()
    if row is None:
        return
    row.next_look = _next(row, row.looking_since or now())
    row.looking_since = row.looked_up_to = None
    row.save(update_fields=_FIELDS)


def _next(row: Scoped, seen: datetime) -> datetime | None:
    """The next moment, or the second look at one that has just been."""
    found = [_first(row, seen), _first(row, seen - SETTLE)]
    again = [found[1] + SETTLE] if found[1] else []
    return min([*again, *([found[0]] if found[0] else [])], default=None)


def _first(row: Scoped, after: datetime) -> datetime | None:
    return min((moment for moment in _moments(row, after) if moment > after), default=None)


def _moments(row: Scoped, after: datetime) -> Iterable[datetime]:
    yield row.changed_at
    if isinstance(row, FreezeWindow) and row.removed_at is None:
        if row.over_at is None or row.over_at > after:
            yield next_boundary(row.series, after) or after + HORIZON
    elif isinstance(row, FreezeException) and row.revoked_at is None:
        yield row.until
    elif isinstance(row, ImportedCalendar) and row.removed_at is None and row.fetched_at:
        yield row.fetched_at + STALE_AFTER
