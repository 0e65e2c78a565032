"""What the calendar says about one target at one moment. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Literal

from policies.freezes.calendar import HORIZON, Period, Series, occurrences

Kind = Literal["freeze", "business_hours"]
Level = Literal["organisation", "project", "environment"]

FAR_S = int(HORIZON.total_seconds())  # “no freeze within two years”, and never more than that
MAX_REASON = 400


@dataclass(frozen=True, slots=True)
class Window:
    """A freeze or business hours that reach the target, and at which level they were set."""

    kind: Kind
    level: Level
    reason: str
    series: Series


@dataclass(frozen=True, slots=True)
class Exemption:
    """A named exception that holds for the target now."""

    name: str
    until: datetime
    lifts_organisation: bool

    def lifts(self, level: Level) -> bool:
        return self.lifts_organisation or level != "organisation"


@dataclass(frozen=True, slots=True)
class Silence:
    """An imported calendar that was not read for too long: what it says now is not known."""

    kind: Kind
    level: Level
    reason: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """All that reaches one target. `too_many`: there is more than could be looked at."""

    windows: Sequence[Window] = ()
    exemptions: Sequence[Exemption] = ()
    silences: Sequence[Silence] = ()
    too_many: bool = False

    def of(self, kind: Kind) -> list[Window]:
        """Its windows of one kind."""
        return [window for window in self.windows if window.kind == kind]


@dataclass(frozen=True, slots=True)
class FreezeState:
    """`in_force` is None where it cannot be known, and `unknown` says why. Seconds are whole."""

    in_force: bool | None
    reason: str = ""
    ends_s: int = 0
    exception: str = ""
    next_s: int | None = FAR_S
    next_reason: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class _Running:
    """A period of a freeze as it counts for the target, in the order of beginnings."""

    starts_at: datetime
    ends_at: datetime
    reason: str


def freeze_state(calendar: Calendar, now: datetime) -> FreezeState:
    """Whether a freeze counts now, until when, and when the next one begins.

    A freeze that is certain is certain, whatever else is not known; its absence is only known when
    everything is.
    """
    reasons: list[str] = []
    ends, coming = now, None
    for period in _counting(calendar, now):
        if period.starts_at <= now:
            reasons.append(period.reason)
        elif coming is None:
            coming = period
        if period.starts_at <= ends:
            ends = max(ends, period.ends_at)
        elif coming is not None:
            break
    unknown = _unknown(calendar, now, "freeze")
    if reasons:
        state = FreezeState(True, "; ".join(dict.fromkeys(reasons))[:MAX_REASON],
                            min(_whole(ends, now), FAR_S))  # fmt: skip
    elif unknown:
        return FreezeState(None, next_s=None, unknown=unknown)
    else:
        state = FreezeState(False, exception=_lifted(calendar, now))
    return FreezeState(
        state.in_force,
        state.reason,
        state.ends_s,
        state.exception,
        None if unknown else _whole(coming.starts_at, now) if coming else FAR_S,
        coming.reason if coming else "",
        unknown,
    )


def _whole(moment: datetime, now: datetime) -> int:
    """Seconds until then, rounded up: never 0 for what is still to come."""
    return -int(-(moment - now).total_seconds() // 1)


def _counting(calendar: Calendar, now: datetime) -> Iterator[_Running]:
    """Periods of freezes from now on, by beginning; what an exception lifts is cut off or out."""
    return merge(
        *(_of_window(calendar, window, now) for window in calendar.of("freeze")),
        key=lambda period: period.starts_at,
    )


def _of_window(calendar: Calendar, window: Window, now: datetime) -> Iterator[_Running]:
    lifted = [e.until for e in calendar.exemptions if e.lifts(window.level)]
    since = max([now, *lifted])
    for period in occurrences(window.series, since, now + HORIZON):
        starts = max(period.starts_at, since) if lifted else period.starts_at
        yield _Running(starts, period.ends_at, window.reason)


def _runs(window: Window, now: datetime) -> Period | None:
    return next((p for p in occurrences(window.series, now, now + HORIZON) if now in p), None)


def _lifted(calendar: Calendar, now: datetime) -> str:
    """The exceptions that keep a running freeze from counting, by name."""
    running = [w for w in calendar.of("freeze") if _runs(w, now)]
    names = [e.name for e in calendar.exemptions if any(e.lifts(w.level) for w in running)]
    return ", ".join(dict.fromkeys(names))[:MAX_REASON]


def _unknown(calendar: Calendar, now: datetime, kind: Kind) -> str:
    """Why windows of this kind cannot all be known; empty when they can."""
    if calendar.too_many:
        return "more windows reach this environment than can be looked at"
    for silence in calendar.silences:
        lifted = kind == "freeze" and any(e.lifts(silence.level) for e in calendar.exemptions)
        if silence.kind == kind and not lifted:
            return silence.reason
    return ""


def business_hours(calendar: Calendar, now: datetime) -> tuple[bool | None, str]:
    """Whether it is business hours, or None and why that is not known.

    Every level that has business hours must be open: a project can narrow those of the
    organisation, never widen them.
    """
    unknown = _unknown(calendar, now, "business_hours")
    open_at: dict[Level, bool] = {}
    for window in calendar.of("business_hours"):
        open_at[window.level] = open_at.get(window.level, False) or bool(_runs(window, now))
    if unknown:
        return None, unknown
    if not open_at:
        return None, "no business hours are defined for this environment"
    return all(open_at.values()), ""
