"""Calendars imported by address: adding and removing them, and reading them again and again.

The row says when it is due, and is taken with a lease (portal/kernel/due.py). What was read well
last stays in force while the address fails.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from policies.freezes.fetch import SECONDS, Fetched, check_address, fetch
from policies.freezes.ical import read_events
from policies.freezes.importing import Plan, apply_plan, plan_of, template_of
from policies.freezes.ledger import CALENDAR, entry, record_change
from policies.freezes.looks import STALE_AFTER, look_now
from policies.freezes.models import FreezeWindow, ImportedCalendar
from policies.freezes.problems import CalendarError
from policies.freezes.scope import Scope, require_manage, scope_of
from portal.access import Capability, require
from portal.kernel.canonical import sha256_digest
from portal.kernel.clock import now
from portal.kernel.due import about, held, pause, take
from portal.kernel.errors import Conflict
from portal.kernel.outgoing import OutgoingFailed
from portal.kernel.validation import insert_row, invalid
from portal.ledger.actors import SYSTEM, person_actor
from portal.ledger.change import state_of
from portal.ledger.record import append

EVERY = timedelta(minutes=15)
FIRST_PAUSE = 15.0
LONGEST_PAUSE = 900.0
LEASE = timedelta(seconds=SECONDS + 50)
MOST = 20  # of one scope: each one is a request from this machine every few minutes


@transaction.atomic
def add_calendar(
    *, by: Any, scope: Scope, name: str, kind: str, zone: str, url: str
) -> ImportedCalendar:
    """Import the events at `url` from now on. Until it was read once nothing is known about them.

    Raises Forbidden, Invalid, Conflict.
    """
    require_manage(by, scope)
    try:
        check_address(url)
    except CalendarError as error:
        raise invalid(error.field, error.sentence) from error
    at = now()
    calendar = ImportedCalendar(
        project=scope.project,
        environment=scope.environment,
        name=name,
        kind=kind,
        zone=zone,
        url=url,
        next_try=at,
        created_by=by,
    )
    there = ImportedCalendar.objects.filter(
        project=scope.project, environment=scope.environment, removed_at=None
    )
    if there.count() >= MOST:
        raise Conflict(f"There are {MOST} calendars already. Remove one first.", code="too-many")
    look_now(calendar, at)
    insert_row(calendar)
    record_change("freeze_calendar.added", person_actor(by), calendar, {}, CALENDAR)
    return calendar


def _lock(by: Any, calendar: ImportedCalendar) -> ImportedCalendar:
    scope = scope_of(calendar)
    require(by, Capability.MAINTAIN if scope.project else Capability.ADMINISTER, scope.project)
    locked = ImportedCalendar.objects.select_for_update().get(pk=calendar.pk)
    if locked.removed_at:
        raise Conflict("This calendar was removed.", code="removed")
    return locked


@transaction.atomic
def remove_calendar(*, by: Any, calendar: ImportedCalendar) -> ImportedCalendar:
    """Its windows do not count from now on. Raises Forbidden, Conflict."""
    calendar = _lock(by, calendar)
    at, actor = now(), person_actor(by)
    before = state_of(calendar, ["removed_at"])
    windows = list(_windows(calendar).values())
    old = [state_of(window, ["removed_at"]) for window in windows]
    for window in windows:
        window.removed_at = at
        look_now(window, at)
    FreezeWindow.objects.bulk_update(
        windows, ["removed_at", "changed_at", "next_look", "looking_since", "looked_up_to"]
    )
    calendar.removed_at, calendar.next_try = at, None
    calendar.save(update_fields=["removed_at", "next_try", *look_now(calendar, at)])
    names = ["removed_at"]
    append(
        [
            entry("freeze_calendar.removed", actor, calendar, before, names),
            *(
                entry("freeze.removed", actor, window, was, names)
                for window, was in zip(windows, old, strict=True)
            ),
        ]
    )
    return calendar


@transaction.atomic
def want_calendar(*, by: Any, calendar: ImportedCalendar) -> None:
    """Have it read again at once. Raises Forbidden, Conflict."""
    calendar = _lock(by, calendar)
    calendar.next_try = now()
    calendar.save(update_fields=["next_try"])


def due_calendars(limit: int = 50) -> list[UUID]:
    """Calendars whose time to be read has come, the oldest first."""
    due = ImportedCalendar.objects.filter(next_try__lte=now()).order_by("next_try")
    return list(due.values_list("pk", flat=True)[:limit])


def read_calendar(calendar_id: UUID) -> bool:
    """Read one calendar, if that is due; whether it was asked. No transaction is open meanwhile."""
    taken = take(ImportedCalendar.objects.filter(pk=calendar_id), LEASE)
    if taken is None:
        return False
    try:
        answer = fetch(taken.url, taken.etag, taken.last_modified)
        _store(taken, answer)
    except OutgoingFailed as failure:
        _note_failure(taken, str(failure))
    except CalendarError as error:
        _note_failure(taken, error.sentence)
    return True


@transaction.atomic
def _store(taken: ImportedCalendar, answer: Fetched) -> None:
    """Bring the windows to what was read. Raises CalendarError for what cannot be used."""
    calendar = held(taken)
    if calendar is None:
        return
    at = now()
    if answer.body is not None:
        events = read_events(answer.body, calendar.zone, at)
        plan = plan_of(_windows(calendar), events, all_of=True)
        _keep_what_is_over(plan, at)
        apply_plan(plan, template_of(calendar), SYSTEM, digest=sha256_digest(answer.body))
    fields = ["etag", "last_modified", "fetched_at", "failing_since", "error", "attempts"]
    if calendar.fetched_at is None or calendar.fetched_at + STALE_AFTER <= at:
        fields += look_now(calendar, at)  # what was unknown is known again
    calendar.etag, calendar.last_modified = answer.etag, answer.last_modified
    calendar.fetched_at, calendar.failing_since, calendar.error, calendar.attempts = at, None, "", 0
    calendar.next_try = at + about(EVERY)
    calendar.save(update_fields=[*fields, "next_try"])


def _windows(calendar: ImportedCalendar) -> dict[str, FreezeWindow]:
    rows = FreezeWindow.objects.filter(calendar=calendar, removed_at=None).select_for_update()
    return {row.uid: row for row in rows}


def _keep_what_is_over(plan: Plan, at: datetime) -> None:
    """A window in the past is not gone because files are read without what is over."""
    plan.gone[:] = [w for w in plan.gone if w.over_at is None or w.over_at > at]


@transaction.atomic
def _note_failure(taken: ImportedCalendar, why: str) -> None:
    calendar = held(taken)
    if calendar is None:
        return
    at = now()
    calendar.error = why[:500]
    calendar.failing_since = calendar.failing_since or at
    calendar.next_try = at + pause(calendar.attempts, FIRST_PAUSE, LONGEST_PAUSE)
    calendar.save(update_fields=["error", "failing_since", "next_try"])
