"""When a schedule's moment comes, and which days its report is about then. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def next_slot(every: str, hour: int, zone: ZoneInfo, after: datetime) -> datetime:
    """The first moment past `after`: at `hour` in `zone`, every day, on Mondays, or on the first.

    An hour that the clocks skip comes when they are put forward; one that comes twice, the
    first time. Raises ValueError for another `every`.
    """
    day = after.astimezone(zone).date()
    while not (_is_day(every, day) and _moment(day, hour, zone) > after):
        day += DAY
    return _moment(day, hour, zone)


def last_slot(every: str, hour: int, zone: ZoneInfo, first: datetime, until: datetime) -> datetime:
    """The last moment up to `until`, `first` being one: what was missed is not made up for."""
    slot = first
    while (later := next_slot(every, hour, zone, slot)) <= until:
        slot = later
    return slot


def days_before(period: str, day: date) -> tuple[date, date]:
    """The first and the last day of the period that ended before `day`.

    A month is from the same day of the month before, on the first that whole month. Raises
    ValueError for another `period`.
    """
    yesterday = day - DAY
    if period == "day":
        return yesterday, yesterday
    if period == "week":
        return day - WEEK, yesterday
    if period == "month":
        before = day.replace(day=1) - DAY
        return before.replace(day=min(day.day, before.day)), yesterday
    raise ValueError(f"no period {period!r}")


def _is_day(every: str, day: date) -> bool:
    if every == "day":
        return True
    if every == "week":
        return day.weekday() == 0
    if every == "month":
        return day.day == 1
    raise ValueError(f"no schedule {every!r}")


def _moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)
