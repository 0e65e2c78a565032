"""The read side of the calendar: what reaches one target, and what a person may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, cast
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from policies.freezes.calendar import HORIZON, Period, Series, occurrences
from policies.freezes.ical import Event
from policies.freezes.looks import STALE_AFTER
from policies.freezes.models import CalendarFeed, FreezeException, FreezeWindow, ImportedCalendar
from policies.freezes.scope import Scope, scope_of, visible_to
from policies.freezes.state import Calendar, Exemption, Kind, Level, Silence, Window
from portal.kernel.errors import NotFound

MOST_WINDOWS = 200
SHOWN_PERIODS = 8

# One row, to be joined to another statement about the same request: a POST has no room for one more
# (DESIGN section 9). Recurring windows first: of the others, those far ahead may be left out.
_REACHES = """(project_id IS NULL OR project_id = %(project)s)
      AND (environment_id IS NULL OR environment_id = %(environment)s)"""
_LEVEL = """CASE WHEN project_id IS NULL THEN 'organisation'
             WHEN environment_id IS NULL THEN 'project' ELSE 'environment' END AS level"""
CALENDAR_SQL = f"""
SELECT
  (SELECT json_agg(w) FROM (
    SELECT kind, reason, starts_at, ends_at, zone, rule, excluded, {_LEVEL}
    FROM policies_freezewindow
    WHERE removed_at IS NULL AND (over_at IS NULL OR over_at > %(now)s) AND {_REACHES}
    ORDER BY rule = '', starts_at LIMIT {MOST_WINDOWS + 1}) AS w) AS windows,
  (SELECT json_agg(e) FROM (
    SELECT name, until, lifts_organisation
    FROM policies_freezeexception
    WHERE revoked_at IS NULL AND until > %(now)s AND action IN ('', %(action)s) AND {_REACHES}
    ORDER BY granted_at) AS e) AS exceptions,
  (SELECT json_agg(c) FROM (
    SELECT name, kind, fetched_at, {_LEVEL}
    FROM policies_importedcalendar
    WHERE removed_at IS NULL AND (fetched_at IS NULL OR fetched_at <= %(stale)s) AND {_REACHES}
    ) AS c) AS silences
"""  # noqa: S608  (only constants are put in)

Json = list[dict[str, Any]] | None


def calendar_parameters(
    project_id: UUID, environment_id: UUID, action: str, now: datetime
) -> dict[str, Any]:
    """What CALENDAR_SQL wants to know."""
    return {
        "project": project_id,
        "environment": environment_id,
        "action": action,
        "now": now,
        "stale": now - STALE_AFTER,
    }


def calendar_from(windows: Json, exceptions: Json, silences: Json) -> Calendar:
    """The row of CALENDAR_SQL."""
    found = [_window(row) for row in windows or ()]
    return Calendar(
        windows=found[:MOST_WINDOWS],
        exemptions=[
            Exemption(row["name"], _moment(row["until"]), row["lifts_organisation"])
            for row in exceptions or ()
        ],
        silences=[_silence(row) for row in silences or ()],
        # Cut off in the middle of the recurring ones, or with nothing but near ones left out.
        too_many=len(found) > MOST_WINDOWS and bool(found[-1].series.rule),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _window(row: dict[str, Any]) -> Window:
    series = Series(
        _moment(row["starts_at"]),
        _moment(row["ends_at"]),
        row["zone"],
        row["rule"],
        frozenset(map(_moment, row["excluded"])),
    )
    return Window(cast(Kind, row["kind"]), cast(Level, row["level"]), row["reason"], series)


def _silence(row: dict[str, Any]) -> Silence:
    name = row["name"]
    if row["fetched_at"] is None:
        reason = f"the calendar “{name}” has not been read yet"
    else:
        since = _moment(row["fetched_at"])
        reason = f"the calendar “{name}” could not be read since {since:%Y-%m-%d %H:%M} UTC"
    return Silence(cast(Kind, row["kind"]), cast(Level, row["level"]), reason)


@dataclass(frozen=True)
class WindowRow:
    """A window with the period that runs now, if one does, and the one that comes next."""

    window: FreezeWindow
    running: Period | None
    coming: Period | None

    @property
    def where(self) -> Scope:
        """What it reaches."""
        return scope_of(self.window)

    @property
    def is_freeze(self) -> bool:
        return self.window.kind == "freeze"

    @property
    def shown(self) -> Period | None:
        """What its row is about."""
        return self.running or self.coming


def _row(window: FreezeWindow, at: datetime) -> WindowRow:
    running = coming = None
    for period in occurrences(window.series, at, at + HORIZON):
        if at in period:
            running = period
        else:
            coming = period
            break
    return WindowRow(window, running, coming)


def _visible_windows(person: Any, at: datetime) -> QuerySet[FreezeWindow]:
    kept = Q(over_at=None) | Q(over_at__gt=at)
    rows = FreezeWindow.objects.filter(visible_to(person), kept, removed_at=None)
    return rows.select_related("project", "environment", "calendar")


def window_rows(person: Any, at: datetime) -> list[WindowRow]:
    """Windows that `person` may see and that are not over: running ones, then the soonest."""
    rows = [_row(window, at) for window in _visible_windows(person, at)]
    alive = [row for row in rows if row.shown is not None]
    return sorted(alive, key=_order)


def _order(row: WindowRow) -> tuple[bool, datetime]:
    period = cast(Period, row.shown)
    return (row.running is None, period.ends_at if row.running else period.starts_at)


def load_window(person: Any, window_id: UUID) -> FreezeWindow:
    """One window, over or removed ones too, where `person` may see it. Raises NotFound."""
    rows = FreezeWindow.objects.filter(visible_to(person), pk=window_id)
    found = rows.select_related("project", "environment", "calendar", "created_by").first()
    if found is None:
        raise NotFound(_("There is no such window, or it is not yours to see."))
    return found


def next_periods(window: FreezeWindow, at: datetime) -> list[Period]:
    """The period that runs and those that come next."""
    return list(islice(occurrences(window.series, at, at + HORIZON), SHOWN_PERIODS))


def exceptions_in_force(person: Any, at: datetime) -> list[FreezeException]:
    """Exceptions that `person` may see and that hold at `at`, the first to end first."""
    rows = FreezeException.objects.filter(visible_to(person), until__gt=at, revoked_at=None)
    return list(rows.select_related("project", "environment", "granted_by"))


def load_exception(person: Any, exception_id: UUID) -> FreezeException:
    """One exception, where `person` may see it. Raises NotFound."""
    rows = FreezeException.objects.filter(visible_to(person), pk=exception_id)
    found = rows.select_related("project", "environment").first()
    if found is None:
        raise NotFound(_("There is no such exception, or it is not yours to see."))
    return found


def calendars(person: Any) -> list[ImportedCalendar]:
    """Imported calendars that `person` may see, by name."""
    rows = ImportedCalendar.objects.filter(visible_to(person), removed_at=None)
    return list(rows.select_related("project", "environment"))


def load_calendar(person: Any, calendar_id: UUID) -> ImportedCalendar:
    """One imported calendar, where `person` may see it. Raises NotFound."""
    rows = ImportedCalendar.objects.filter(visible_to(person), pk=calendar_id)
    found = rows.select_related("project", "environment").first()
    if found is None:
        raise NotFound(_("There is no such calendar, or it is not yours to see."))
    return found


def is_stale(calendar: ImportedCalendar, at: datetime) -> bool:
    """Whether what it says now is not known any more."""
    return calendar.fetched_at is None or calendar.fetched_at <= at - STALE_AFTER


def feeds_of(person: Any) -> list[CalendarFeed]:
    """The feeds of `person` that are not revoked, the newest first."""
    return list(CalendarFeed.objects.filter(owner=person, revoked_at=None))


def load_feed(person: Any, feed_id: UUID) -> CalendarFeed:
    """One feed of `person`. Raises NotFound."""
    found = CalendarFeed.objects.filter(owner=person, pk=feed_id).first()
    if found is None:
        raise NotFound(_("There is no such address, or it is not yours."))
    return found


def feed_events(person: Any, at: datetime) -> Iterable[tuple[Event, str]]:
    """What `person` may see now, as events of a file with their category."""
    for window in _visible_windows(person, at):
        where = f"{window.project or 'organisation'}"
        if window.environment:
            where += f"/{window.environment}"
        event = Event(f"{window.pk}@countersign", f"{window.reason} ({where})", window.series)
        yield event, str(window.get_kind_display())
