"""iCalendar (RFC 5545) in and out. Pure; everything that comes in is hostile.

Whatever cannot be followed exactly is refused with a sentence: half a freeze calendar is worse than
none. Time zones are IANA names (or the names Windows gives them); zones defined inside a file are
not read, because such a definition may say anything, without end.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from icalendar import Calendar as File
from icalendar import Component
from icalendar import Event as FileEvent
from icalendar.prop import vRecur
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from policies.freezes.calendar import (
    HORIZON,
    Series,
    check_series,
    moment_of,
    occurrences,
    wall_of,
    zone_of,
)
from policies.freezes.problems import CalendarError
from portal.kernel.text import text_problem

MAX_BYTES = 256 * 1024
MAX_EVENTS = 500
MAX_OCCURRENCES = 2_000
MAX_EXCLUDED = 500
MAX_SUMMARY = 200
MAX_UID = 200
MAX_DEPTH = 3
MAX_LINES = 20_000
UNTITLED = "Imported event"

_DAY = timedelta(days=1)
_REFUSED = {"EXRULE": "EXRULE is not supported; use EXDATE."}


@dataclass(frozen=True, slots=True)
class Event:
    """One series with its name in the file; `uid` is unique there."""

    uid: str
    reason: str
    series: Series


def read_events(data: bytes, zone: str, now: datetime) -> list[Event]:
    """The events of a file that are not over; times without a time zone are in `zone`.

    Raises CalendarError.
    """
    zone_of(zone)
    reader = _Reader(zone)
    for component in _components(_text(data)):
        reader.add(component)
    events = [replace(e, series=_checked(e, now)) for e in reader.events() if not _is_past(e, now)]
    _count_occurrences(events, now)
    return events


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise CalendarError(f"The file is larger than {MAX_BYTES // 1024} KiB.", "file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CalendarError("The file is not UTF-8 text.", "file") from None
    if "\0" in text:
        raise CalendarError("The file contains a NUL character.", "file")
    return text


def _components(text: str) -> list[Component]:
    """The events of the file, each readable. Size and depth are checked before it is parsed."""
    lines = re.sub(r"\r?\n[ \t]", "", text).splitlines()
    if len(lines) > MAX_LINES:
        raise CalendarError(f"The file has more than {MAX_LINES} lines.", "file")
    kept = "\r\n".join(_without_zones(lines)) + "\r\n"
    try:
        file = File.from_ical(kept)
        found = list(file.walk("VEVENT"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise CalendarError("The file is not an iCalendar file.", "file") from error
    if file.name != "VCALENDAR":
        raise CalendarError("The file is not an iCalendar file.", "file")
    return found


def _without_zones(lines: list[str]) -> Iterator[str]:
    """The lines outside VTIMEZONE. Raises CalendarError for too deep a nest, too many events."""
    depth = events = 0
    skipping = False
    for line in lines:
        word = line.strip().upper()
        if word.startswith("BEGIN:"):
            depth += 1
            events += word == "BEGIN:VEVENT"
            skipping = skipping or word == "BEGIN:VTIMEZONE"
        if depth > MAX_DEPTH + 1:
            raise CalendarError("The file nests its parts too deeply.", "file")
        if events > MAX_EVENTS:
            raise CalendarError(f"The file has more than {MAX_EVENTS} events.", "file")
        if line and not skipping:
            yield line
        if word.startswith("END:"):
            depth -= 1
            skipping = skipping and word != "END:VTIMEZONE"


class _Reader:
    """Gathers series: a master, and what replaces or joins its periods as series of their own."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._events: list[Event] = []
        self._replaced: dict[str, set[datetime]] = {}

    def add(self, component: Component) -> None:
        reason = _words(component, "SUMMARY", MAX_SUMMARY) or UNTITLED
        uid = _words(component, "UID", MAX_UID) or reason
        try:
            self._add(component, uid, reason)
        except CalendarError as error:
            raise CalendarError(f"Event “{reason[:60]}”: {error.sentence}", "file") from error
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise CalendarError(f"Event “{reason[:60]}” cannot be read.", "file") from error

    def _add(self, component: Component, uid: str, reason: str) -> None:
        _refuse_what_is_not_followed(component)
        replaces = component.get("RECURRENCE-ID")
        cancelled = str(component.get("STATUS", "")).upper() == "CANCELLED"
        if replaces is not None:
            if "RANGE" in replaces.params:
                raise CalendarError("it changes all later ones (RANGE), which is not supported.")
            moment = self._moment(replaces)
            self._replaced.setdefault(uid, set()).add(moment)
            uid = _joined(uid, moment)
        if cancelled:
            return
        series = self._series(component)
        self._events.append(Event(uid, reason, series))
        length = wall_of(series.ends_at, series.zone) - wall_of(series.starts_at, series.zone)
        for start in self._moments(component, "RDATE"):
            end = moment_of(wall_of(start, series.zone) + length, series.zone)
            once = Series(start, end, series.zone)
            self._events.append(Event(_joined(uid, start), reason, once))
        if len(self._events) > MAX_EVENTS:
            raise CalendarError(f"the file has more than {MAX_EVENTS} events with it.")

    def events(self) -> list[Event]:
        """All series, without the periods that others replace. Raises CalendarError."""
        twice = [uid for uid, n in Counter(e.uid for e in self._events).items() if n > 1]
        if twice:
            raise CalendarError(f"The file has the event with UID “{twice[0][:60]}” twice.", "file")
        return [
            replace(e, series=replace(e.series, excluded=e.series.excluded | gone))
            if (gone := self._replaced.get(e.uid))
            else e
            for e in self._events
        ]

    def _series(self, component: Component) -> Series:
        start = component.get("DTSTART")
        if start is None:
            raise CalendarError("it has no DTSTART.")
        zone, starts_at = self._zone_of(start), self._moment(start)
        rule = component.get("RRULE")
        excluded = frozenset(islice(self._moments(component, "EXDATE"), MAX_EXCLUDED + 1))
        if len(excluded) > MAX_EXCLUDED:
            raise CalendarError(f"it leaves out more than {MAX_EXCLUDED} periods.")
        text = rule.to_ical().decode() if rule is not None else ""
        if rule is not None and not text:
            raise CalendarError("its RRULE is empty.")
        return Series(starts_at, self._end(component, starts_at, zone), zone, text, excluded)

    def _end(self, component: Component, starts_at: datetime, zone: str) -> datetime:
        start: Any = component["DTSTART"]
        end, duration = component.get("DTEND"), component.get("DURATION")
        if end is not None:
            return self._moment(end)
        if duration is not None:
            length: timedelta = duration.dt
        elif _is_day(start.dt):
            length = _DAY
        else:
            raise CalendarError("it has no DTEND.")
        return moment_of(wall_of(starts_at, zone) + length, zone)

    def _zone_of(self, value: Any) -> str:
        name = str(value.params.get("TZID", ""))
        moment = value.dt
        if not name:
            utc = isinstance(moment, datetime) and moment.tzinfo is not None
            return "UTC" if utc else self._zone
        name = WINDOWS_TO_OLSON.get(name, name)
        zone_of(name)
        return str(name)

    def _moment(self, value: Any) -> datetime:
        return self._of(value.dt, self._zone_of(value))

    def _moments(self, component: Component, name: str) -> Iterator[datetime]:
        """All moments of a property that may come more than once and hold a list each time."""
        given = component.get(name, [])
        for one in given if isinstance(given, list) else [given]:
            for item in one.dts:
                if not isinstance(item.dt, date):
                    raise CalendarError(f"{name} with periods is not supported.")
                yield self._of(item.dt, self._zone_of(item))

    def _of(self, moment: Any, zone: str) -> datetime:
        if _is_day(moment):
            return moment_of(datetime.combine(moment, time()), zone)
        if not isinstance(moment, datetime):
            raise CalendarError("a time in it cannot be read.")
        return moment_of(moment.replace(tzinfo=None), zone)


def _is_day(moment: object) -> bool:
    return isinstance(moment, date) and not isinstance(moment, datetime)


def _refuse_what_is_not_followed(component: Component) -> None:
    if component.errors:
        name, _ = component.errors[0]
        raise CalendarError(f"{str(name or 'a line')[:40]} cannot be read.")
    for name, sentence in _REFUSED.items():
        if name in component:
            raise CalendarError(sentence)
    for name in ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID"):
        if isinstance(component.get(name), list):
            raise CalendarError(f"it has {name} twice.")


def _words(component: Component, name: str, most: int) -> str:
    value = component.get(name, "")
    text = " ".join(str(value[0] if isinstance(value, list) else value).split())
    if problem := text_problem(text):
        raise CalendarError(f"An event's {name} {problem}.", "file")
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _joined(uid: str, moment: datetime) -> str:
    return f"{uid}#{moment:%Y%m%dT%H%M%SZ}"


def _is_past(event: Event, now: datetime) -> bool:
    """One that is over and comes no more needs no checking: old files are full of them."""
    return not event.series.rule and event.series.ends_at <= now


def _checked(event: Event, now: datetime) -> Series:
    try:
        return check_series(event.series, now)
    except CalendarError as error:
        raise CalendarError(f"Event “{event.reason[:60]}”: {error.sentence}", "file") from error


def _count_occurrences(events: Iterable[Event], now: datetime) -> None:
    left = MAX_OCCURRENCES
    for event in events:
        found = islice(occurrences(event.series, now, now + HORIZON), left + 1)
        left -= sum(1 for _ in found)
        if left < 0:
            raise CalendarError(
                f"The file has more than {MAX_OCCURRENCES} periods in the next two years.", "file"
            )


def write_events(events: Iterable[tuple[Event, str]], name: str, at: datetime) -> bytes:
    """A file of these events, each with a category."""
    file = File()
    for key, value in (("prodid", "-//Countersign//Freezes//EN"), ("version", "2.0"),
                       ("method", "PUBLISH"), ("x-wr-calname", name)):  # fmt: skip
        file.add(key, value)
    for event, category in events:
        file.add_component(_component(event, category, at))
    file.add_missing_timezones()
    return bytes(file.to_ical())


def _component(event: Event, category: str, at: datetime) -> FileEvent:
    series, zone = event.series, zone_of(event.series.zone)
    utc = series.zone == "UTC"
    component = FileEvent()
    component.add("uid", event.uid)
    component.add("summary", event.reason)
    component.add("dtstamp", at.astimezone(UTC).replace(microsecond=0))
    component.add("categories", [category])
    for name, moment in (("dtstart", series.starts_at), ("dtend", series.ends_at)):
        component.add(name, moment if utc else moment.astimezone(zone))
    if series.rule:
        component.add("rrule", vRecur.from_ical(series.rule))
    if series.excluded:
        component.add("exdate", [m if utc else m.astimezone(zone) for m in sorted(series.excluded)])
    return component
