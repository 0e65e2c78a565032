"""Making, changing, ending and removing windows by hand."""

from dataclasses import replace
from typing import Any

from django.db import transaction

from policies.freezes.calendar import HORIZON, Period, Series, check_series, occurrences, over_at
from policies.freezes.ledger import WINDOW, record_change
from policies.freezes.looks import look_now
from policies.freezes.models import FreezeWindow
from policies.freezes.problems import CalendarError
from policies.freezes.scope import Scope, require_manage, scope_of
from portal.access import Capability, require
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.validation import check_row, insert_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.change import state_of


def running_period(series: Series, at: Any) -> Period | None:
    """The period that runs at `at`."""
    return next((p for p in occurrences(series, at, at + HORIZON) if at in p), None)


def _checked(series: Series) -> Series:
    at = now()
    try:
        checked = check_series(series, at)
    except CalendarError as error:
        raise invalid(error.field, error.sentence) from error
    if next(occurrences(checked, at, at + HORIZON), None) is None:
        raise invalid("ends", "It would be over already.")
    return checked


@transaction.atomic
def create_window(*, by: Any, scope: Scope, kind: str, reason: str, series: Series) -> FreezeWindow:
    """Add a freeze or business hours. Raises Forbidden, Invalid, Conflict.

    Maintainers may for their project and its environments, administrators everywhere.
    """
    require_manage(by, scope)
    window = FreezeWindow(
        project=scope.project,
        environment=scope.environment,
        kind=kind,
        reason=reason,
        created_by=by,
    )
    window.series = _checked(series)
    window.over_at = over_at(window.series)
    look_now(window, now())
    insert_row(window)
    record_change("freeze.created", person_actor(by), window, {}, WINDOW)
    return window


def _own(by: Any, window: FreezeWindow) -> FreezeWindow:
    """The row, locked, where `by` may change it and no imported calendar does."""
    scope = scope_of(window)
    require(by, Capability.MAINTAIN if scope.project else Capability.ADMINISTER, scope.project)
    locked = FreezeWindow.objects.select_for_update().get(pk=window.pk)
    if locked.calendar_id:
        raise Conflict(
            "It comes from an imported calendar. Change it there, or grant an exception.",
            code="imported",
        )
    if locked.removed_at:
        raise Conflict("This window was removed.", code="removed")
    return locked


def _save(by: Any, event: str, window: FreezeWindow, before: FreezeWindow) -> FreezeWindow:
    old, new = state_of(before, WINDOW), state_of(window, WINDOW)
    moved = [name for name in WINDOW if old[name] != new[name]]
    if not moved:
        return window
    check_row(window, moved)
    window.over_at = over_at(window.series)
    window.save(update_fields=[*moved, "over_at", *look_now(window, now())])
    record_change(event, person_actor(by), window, {name: old[name] for name in moved}, moved)
    return window


def _copy(window: FreezeWindow) -> FreezeWindow:
    return FreezeWindow(**{name: getattr(window, name) for name in WINDOW})


@transaction.atomic
def change_window(*, by: Any, window: FreezeWindow, reason: str, series: Series) -> FreezeWindow:
    """Change when it is or why; kind and scope stay. Raises Forbidden, Invalid, Conflict."""
    window = _own(by, window)
    before = _copy(window)
    window.reason = reason
    window.series = _checked(replace(series, excluded=frozenset(window.excluded)))
    return _save(by, "freeze.changed", window, before)


@transaction.atomic
def end_window(*, by: Any, window: FreezeWindow) -> FreezeWindow:
    """End the period that runs now; a recurring window comes again. Raises Forbidden, Conflict."""
    window = _own(by, window)
    at = now()
    running = running_period(window.series, at)
    if running is None:
        raise Conflict("It does not run at the moment.", code="not-running")
    before = _copy(window)
    if window.rule:
        window.excluded = sorted({*window.excluded, running.starts_at})
    else:
        window.ends_at = at
    return _save(by, "freeze.changed", window, before)


@transaction.atomic
def remove_window(*, by: Any, window: FreezeWindow) -> FreezeWindow:
    """It does not count from now on. Raises Forbidden, Conflict when it was removed already."""
    window = _own(by, window)
    before = _copy(window)
    window.removed_at = now()
    return _save(by, "freeze.removed", window, before)
