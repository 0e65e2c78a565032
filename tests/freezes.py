"""Windows, exceptions and calendars for tests, made by the real services."""

from datetime import UTC, datetime, timedelta
from typing import Any

from policies.freezes.calendar import Series, moment_of
from policies.freezes.scope import Scope
from portal.kernel.clock import now

HOUR = timedelta(hours=1)


def series(starts: str, ends: str, zone: str = "UTC", rule: str = "", excluded=()) -> Series:
    """A series by what the clock on the wall shows: `2026-12-24 18:00`."""
    moments = [moment_of(datetime.fromisoformat(text), zone) for text in (starts, ends)]
    return Series(*moments, zone, rule, frozenset(excluded))


def around(at: datetime | None = None, before: timedelta = HOUR, after: timedelta = HOUR) -> Series:
    """A single period around `at` (now)."""
    at = (at or now()).astimezone(UTC)
    return Series(at - before, at + after, "UTC")


def a_freeze(by: Any, project: Any = None, environment: Any = None, **fields: Any) -> Any:
    """A freeze that is in force now, unless `when` says otherwise."""
    from policies.freezes.windows import create_window

    return create_window(
        by=by,
        scope=Scope(project, environment),
        kind=fields.get("kind", "freeze"),
        reason=fields.get("reason", "Year end"),
        series=fields.get("when") or around(),
    )


def an_exception(by: Any, project: Any, environment: Any = None, **fields: Any) -> Any:
    """An exception that holds for an hour."""
    from policies.freezes.exceptions import grant_exception

    values = {"name": "INC-4711", "reason": "Payments are down", "until": now() + HOUR}
    return grant_exception(by=by, scope=Scope(project, environment), **{**values, **fields})


def a_calendar(by: Any, project: Any = None, environment: Any = None, **fields: Any) -> Any:
    """A calendar imported by address, not read yet."""
    from policies.freezes.calendars import add_calendar

    values = {
        "name": "Holidays",
        "kind": "freeze",
        "zone": "Europe/Lisbon",
        "url": "https://calendar.example.com/holidays.ics",
    }
    return add_calendar(by=by, scope=Scope(project, environment), **{**values, **fields})
