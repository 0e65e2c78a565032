"""When a window is: one series of periods in a time zone. Pure.

A recurring window keeps the time on the wall: 18:00 stays 18:00 when the clocks change. Times that
a change leaves out or gives twice are read as RFC 5545 does: with the offset before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from policies.freezes.problems import CalendarError
from policies.freezes.rules import SPAN, Rule, dates, parse_rule

HORIZON = timedelta(days=730)  # how far anybody looks ahead
MAX_LENGTH = timedelta(days=366)
OLDEST = timedelta(days=3653)  # how long ago a window may have begun
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """One occurrence: begins at `starts_at` and is over at `ends_at` (UTC)."""

    starts_at: datetime
    ends_at: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.starts_at <= moment < self.ends_at


@dataclass(frozen=True, slots=True)
class Series:
    """The first period, in which time zone it repeats by which rule (RRULE; empty: once), and the
    beginnings of the periods taken out."""

    starts_at: datetime
    ends_at: datetime
    zone: str
    rule: str = ""
    excluded: frozenset[datetime] = frozenset()


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The names of all time zones known here."""
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}


@lru_cache(maxsize=700)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of this IANA name. Raises CalendarError."""
    if name not in zone_names():
        raise CalendarError(
            f"“{name[:60]}” is no time zone known here; one is called like Europe/Lisbon.", "zone"
        )
    return ZoneInfo(name)


def moment_of(wall: datetime, zone: str) -> datetime:
    """When the clock in `zone` shows `wall` (naive), in UTC. Raises CalendarError."""
    return wall.replace(tzinfo=zone_of(zone), fold=0).astimezone(UTC)


def wall_of(moment: datetime, zone: str) -> datetime:
    """What the clock in `zone` shows at `moment`, naive. Raises CalendarError."""
    return moment.astimezone(zone_of(zone)).replace(tzinfo=None, fold=0)


def exists(wall: datetime, zone: str) -> bool:
    """Whether the clock in `zone` ever shows `wall`; a change to summer time leaves out an hour."""
    return wall_of(moment_of(wall, zone), zone) == wall


def check_series(series: Series, now: datetime) -> Series:
    """The series with its rule in one form. Raises CalendarError for one that cannot be kept."""
    zone_of(series.zone)
    if not now - OLDEST <= series.starts_at <= now + HORIZON:
        raise CalendarError("It must begin in the last ten or the next two years.", "starts")
    if series.ends_at <= series.starts_at:
        raise CalendarError("It must end after it begins.", "ends")
    if series.ends_at - series.starts_at > MAX_LENGTH:
        raise CalendarError("One period may last a year at most.", "ends")
    if not series.rule:
        return Series(series.starts_at, series.ends_at, series.zone)
    rule = str(parse_rule(series.rule))
    checked = Series(series.starts_at, series.ends_at, series.zone, rule, series.excluded)
    first = next(_starts(checked, series.starts_at, series.starts_at + _DAY), None)
    if first != series.starts_at:
        raise CalendarError(
            "The first day is not one of the days the rule names; begin on one of them.", "rule"
        )
    return checked


def _ending(rule: Rule, zone: str) -> datetime | None:
    """The last moment a period may begin, by UNTIL."""
    if not rule.until:
        return None
    until = datetime.fromisoformat(rule.until)
    if len(rule.until) == len("20261231"):
        until += _DAY - timedelta(seconds=1)
    return until if until.tzinfo else moment_of(until, zone)


def _starts(series: Series, since: datetime, until: datetime) -> Iterator[datetime]:
    """Beginnings from `since` to `until`, those taken out too."""
    if not series.rule:
        if since <= series.starts_at <= until:
            yield series.starts_at
        return
    rule = parse_rule(series.rule)
    if ending := _ending(rule, series.zone):
        until = min(until, ending)
    if until < since:
        return
    first = wall_of(series.starts_at, series.zone)
    # A day more on both sides: what day it is depends on the zone.
    for day in dates(rule, first.date(), _day(since, -_DAY), _day(until, _DAY)):
        start = moment_of(datetime.combine(day, first.time()), series.zone)
        if since <= start <= until:
            yield start


def _day(moment: datetime, more: timedelta) -> date:
    return (moment + more).date()


def occurrences(series: Series, since: datetime, until: datetime) -> Iterator[Period]:
    """The periods that are not over at `since` and begin before `until`, in order."""
    length = wall_of(series.ends_at, series.zone) - wall_of(series.starts_at, series.zone)
    earliest = max(series.starts_at, since - max(length, timedelta()) - _DAY)
    for start in _starts(series, earliest, until):
        period = _period(series, start, length)
        if start not in series.excluded and start < until and period.ends_at > since:
            yield period


def _period(series: Series, start: datetime, length: timedelta) -> Period:
    if start == series.starts_at:
        return Period(series.starts_at, series.ends_at)
    end = moment_of(wall_of(start, series.zone) + length, series.zone)
    # Around a change of the clocks the end may come to stand before the beginning.
    return Period(start, end if end > start else start + (series.ends_at - series.starts_at))


def over_at(series: Series) -> datetime | None:
    """A moment at which the last period is over for sure; None when there is always another."""
    if not series.rule:
        return series.ends_at
    rule = parse_rule(series.rule)
    if ending := _ending(rule, series.zone):
        return ending + (series.ends_at - series.starts_at) + _DAY
    if rule.count:
        found = list(_starts(series, series.starts_at, series.starts_at + SPAN))
        if len(found) == rule.count:
            return found[-1] + (series.ends_at - series.starts_at) + _DAY
    return None


def next_boundary(series: Series, after: datetime) -> datetime | None:
    """When next a period begins or ends, later than `after`; None within the horizon."""
    found: list[datetime] = []
    for period in occurrences(series, after, after + HORIZON):
        found += [m for m in (period.starts_at, period.ends_at) if m > after]
        if period.starts_at > after:
            break
    return min(found, default=None)
