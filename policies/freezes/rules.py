"""Recurrence rules (RFC 5545), no finer than daily, as days. Pure.

Not dateutil: it looks for the next match up to the year 9999, so that one rule that never matches
(30 February) takes seconds. Here every search ends at the day it is given. The tests compare the
two.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Literal, cast

from policies.freezes.problems import CalendarError

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

SPAN = timedelta(days=4_750)  # from ten years ago to two years ahead, and some
MAX_TEXT = 500
MAX_INTERVAL = 100
MAX_COUNT = 1_000

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_FINER = ("SECONDLY", "MINUTELY", "HOURLY")
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS",
          "WKST")  # fmt: skip
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"\d{8}(?:T\d{6}Z?)?")


@dataclass(frozen=True, slots=True)
class Rule:
    """A parsed rule. `until` is UNTIL as written; `days` holds (nth or 0, weekday from Monday)."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: str = ""
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    days: tuple[tuple[int, int], ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0

    def __str__(self) -> str:
        """The rule in one fixed order of its parts, so that equal rules are equal texts."""
        parts = {
            "FREQ": self.frequency,
            "INTERVAL": str(self.interval) if self.interval > 1 else "",
            "COUNT": str(self.count or ""),
            "UNTIL": self.until,
            "BYMONTH": ",".join(map(str, self.months)),
            "BYMONTHDAY": ",".join(map(str, self.month_days)),
            "BYDAY": ",".join(f"{n or ''}{WEEKDAYS[day]}" for n, day in self.days),
            "BYSETPOS": ",".join(map(str, self.positions)),
            "WKST": WEEKDAYS[self.week_start] if self.week_start else "",
        }
        return ";".join(f"{name}={value}" for name, value in parts.items() if value)


def _refuse(sentence: str) -> CalendarError:
    return CalendarError(sentence, "rule")


def _parts(text: str) -> dict[str, str]:
    if len(text) > MAX_TEXT:
        raise _refuse(f"The rule is longer than {MAX_TEXT} characters.")
    found: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise _refuse("A rule reads like FREQ=WEEKLY;BYDAY=FR.")
        if name not in _PARTS:
            raise _refuse(f"“{name[:20]}” is not supported; a rule may use {', '.join(_PARTS)}.")
        if name in found:
            raise _refuse(f"The rule says {name} twice.")
        found[name] = value
    return found


def _numbers(name: str, text: str, low: int, high: int, *, negative: bool) -> tuple[int, ...]:
    numbers = []
    for item in text.split(",") if text else ():
        if not re.fullmatch(r"[+-]?\d{1,4}", item, re.ASCII):
            raise _refuse(f"{name} holds whole numbers with commas between them.")
        number = int(item)
        if not (low <= number <= high or (negative and low <= -number <= high)):
            raise _refuse(f"{name} must be from {low} to {high}.")
        numbers.append(number)
    return tuple(sorted(set(numbers)))


def _number(name: str, text: str, high: int) -> int | None:
    numbers = _numbers(name, text, 1, high, negative=False)
    if len(numbers) > 1:
        raise _refuse(f"{name} is one number.")
    return numbers[0] if numbers else None


def _days(text: str) -> tuple[tuple[int, int], ...]:
    found = []
    for item in text.split(",") if text else ():
        match = _DAY.fullmatch(item)
        if match is None or abs(int(match[1] or 0)) > 53:
            raise _refuse("BYDAY holds days such as MO or -1FR with commas between them.")
        found.append((int(match[1] or 0), WEEKDAYS.index(match[2])))
    return tuple(sorted(set(found), key=lambda day: (day[1], day[0])))


def _until(text: str) -> str:
    if not text:
        return ""
    try:
        if not _UNTIL.fullmatch(text):
            raise ValueError(text)
        datetime.fromisoformat(text)
    except ValueError:
        raise _refuse("UNTIL reads like 20261231 or 20261231T235959Z.") from None
    return text


@lru_cache(maxsize=1_000)
def parse_rule(text: str) -> Rule:
    """The rule that `text` says. Raises CalendarError for everything it cannot follow exactly."""
    parts = _parts(text)
    frequency = parts.get("FREQ", "")
    if frequency in _FINER:
        raise _refuse("A rule may not repeat more often than daily.")
    if frequency not in _FREQUENCIES:
        raise _refuse("FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY.")
    week_start = parts.get("WKST", "MO")
    if week_start not in WEEKDAYS:
        raise _refuse("WKST is a day such as MO.")
    rule = Rule(
        frequency=cast(Frequency, frequency),
        interval=_number("INTERVAL", parts.get("INTERVAL", ""), MAX_INTERVAL) or 1,
        count=_number("COUNT", parts.get("COUNT", ""), MAX_COUNT),
        until=_until(parts.get("UNTIL", "")),
        months=_numbers("BYMONTH", parts.get("BYMONTH", ""), 1, 12, negative=False),
        month_days=_numbers("BYMONTHDAY", parts.get("BYMONTHDAY", ""), 1, 31, negative=True),
        days=_days(parts.get("BYDAY", "")),
        positions=_numbers("BYSETPOS", parts.get("BYSETPOS", ""), 1, 366, negative=True),
        week_start=WEEKDAYS.index(week_start),
    )
    _check_together(rule)
    return rule


def _check_together(rule: Rule) -> None:
    if rule.count and rule.until:
        raise _refuse("A rule has COUNT or UNTIL, not both.")
    if rule.frequency in {"DAILY", "WEEKLY"}:
        if any(nth for nth, _ in rule.days) or rule.positions:
            raise _refuse("“The second Friday” needs FREQ=MONTHLY or FREQ=YEARLY.")
        if rule.month_days:
            raise _refuse("BYMONTHDAY needs FREQ=MONTHLY or FREQ=YEARLY.")


def _settled(rule: Rule, first: date) -> Rule:
    """With the days that a rule leaves to its first day."""
    if rule.days or rule.month_days:
        return rule
    if rule.frequency == "WEEKLY":
        return replace(rule, days=((0, first.weekday()),))
    if rule.frequency == "MONTHLY":
        return replace(rule, month_days=(first.day,))
    if rule.frequency == "YEARLY":
        return replace(rule, months=rule.months or (first.month,), month_days=(first.day,))
    return rule


def dates(rule: Rule, first: date, since: date, last: date) -> Iterator[date]:
    """The days of `rule` from `since` to `last`, in order; none before `first`.

    Looks at the days in between alone.
    """
    if rule.count:
        last = min(last, _counted_end(rule, first))
    return _walk(_settled(rule, first), first, since, last)


@lru_cache(maxsize=2_000)
def _counted_end(rule: Rule, first: date) -> date:
    """The last day of a rule that counts, searched for as long as a window may be kept."""
    found = list(islice(_walk(_settled(rule, first), first, first, first + SPAN), rule.count))
    return found[-1] if len(found) == rule.count else date.max


def _walk(rule: Rule, first: date, since: date, last: date) -> Iterator[date]:
    number = max(0, _number_of(rule, first, since))
    while (days := _days_of(rule, first, number))[0] <= last:
        number += 1
        for day in _chosen(rule, days):
            if max(first, since) <= day <= last:
                yield day


def _number_of(rule: Rule, first: date, day: date) -> int:
    """Which period of the rule `day` is in, or the one before it."""
    if rule.frequency == "YEARLY":
        whole = day.year - first.year
    elif rule.frequency == "MONTHLY":
        whole = (day.year - first.year) * 12 + day.month - first.month
    elif rule.frequency == "WEEKLY":
        whole = (day - _week(rule, first)).days // 7
    else:
        whole = (day - first).days
    return whole // rule.interval


def _week(rule: Rule, day: date) -> date:
    return day - timedelta(days=(day.weekday() - rule.week_start) % 7)


def _days_of(rule: Rule, first: date, number: int) -> list[date]:
    """All days of the rule's period of this number."""
    steps = number * rule.interval
    if rule.frequency == "DAILY":
        begin, size = first + timedelta(days=steps), 1
    elif rule.frequency == "WEEKLY":
        begin, size = _week(rule, first) + timedelta(weeks=steps), 7
    elif rule.frequency == "MONTHLY":
        months = first.year * 12 + first.month - 1 + steps
        begin = date(months // 12, months % 12 + 1, 1)
        size = monthrange(begin.year, begin.month)[1]
    else:
        begin = date(first.year + steps, 1, 1)
        size = (date(begin.year, 12, 31) - begin).days + 1
    return [begin + timedelta(days=n) for n in range(size)]


def _chosen(rule: Rule, days: list[date]) -> list[date]:
    """Those of one period's days that the rule names."""
    tests: list[Callable[[date], bool]] = []
    if rule.months:
        tests.append(lambda day: day.month in rule.months)
    if rule.month_days:
        tests.append(lambda day: _in_month(rule, day))
    if rule.days:
        tests.append(lambda day: _in_week(rule, day))
    found = [day for day in days if all(test(day) for test in tests)]
    if not rule.positions:
        return found
    places = {p - 1 if p > 0 else len(found) + p for p in rule.positions}
    return [day for place, day in enumerate(found) if place in places]


def _in_month(rule: Rule, day: date) -> bool:
    size = monthrange(day.year, day.month)[1]
    return day.day in rule.month_days or day.day - size - 1 in rule.month_days


def _in_week(rule: Rule, day: date) -> bool:
    """By weekday, or by the nth such weekday of the month (of the year, unless it names months)."""
    if (0, day.weekday()) in rule.days:
        return True
    if rule.frequency == "MONTHLY" or rule.months:
        place, size = day.day, monthrange(day.year, day.month)[1]
    else:
        place = day.timetuple().tm_yday
        size = date(day.year, 12, 31).timetuple().tm_yday
    nth, from_end = (place - 1) // 7 + 1, -((size - place) // 7 + 1)
    return (nth, day.weekday()) in rule.days or (from_end, day.weekday()) in rule.days
