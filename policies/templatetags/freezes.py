"""How windows and calendars look: `{% load freezes %}`."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.freezes.calendar import Period, wall_of
from policies.freezes.models import FreezeWindow, ImportedCalendar
from policies.freezes.queries import WindowRow
from policies.freezes.rules import Rule, parse_rule
from portal.templatetags.times import duration_words
from portal.templatetags.ui import left, tag, time

register = template.Library()

DAYS = (
    gettext_lazy("Mon"), gettext_lazy("Tue"), gettext_lazy("Wed"), gettext_lazy("Thu"),
    gettext_lazy("Fri"), gettext_lazy("Sat"), gettext_lazy("Sun"),
)  # fmt: skip
EVERY = {
    "DAILY": (gettext_lazy("every day"), gettext_lazy("every %(n)d days")),
    "WEEKLY": (gettext_lazy("every week"), gettext_lazy("every %(n)d weeks")),
    "MONTHLY": (gettext_lazy("every month"), gettext_lazy("every %(n)d months")),
    "YEARLY": (gettext_lazy("every year"), gettext_lazy("every %(n)d years")),
}


@register.simple_tag
def period(shown: Period) -> SafeString:
    """“24 Dec 18:00 to 2 Jan 2027 08:00”, in the reader's time zone."""
    return format_html("{} {} {}", time(shown.starts_at), _("to"), time(shown.ends_at))


@register.simple_tag
def period_there(shown: Period, zone: str) -> str:
    """The same on the clock of the window's own time zone, with the day of the week."""
    return f"{_there(shown.starts_at, zone)} – {_there(shown.ends_at, zone)}"


def _there(moment: datetime, zone: str) -> str:
    wall = wall_of(moment, zone)
    return f"{DAYS[wall.weekday()]} {wall.day} {wall:%b %H:%M}"


@register.simple_tag
def lasts(shown: Period) -> str:
    """How long it is, which a change of the clocks may alter."""
    return duration_words((shown.ends_at - shown.starts_at).total_seconds())


@register.simple_tag
def rule_words(text: str) -> str:
    """A rule in words, as far as they stay short; its exact text stands beside it on its page."""
    rule = parse_rule(text)
    one, many = EVERY[rule.frequency]
    words = str(one) if rule.interval == 1 else str(many) % {"n": rule.interval}
    if rule.days and not any(nth for nth, _day in rule.days):
        words += " " + _("on %(days)s") % {"days": _days(rule)}
    elif rule.days or rule.month_days or rule.months or rule.positions:
        words += " " + _("on certain days")
    return words


def _days(rule: Rule) -> str:
    days = [day for _nth, day in rule.days]
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{DAYS[days[0]]}–{DAYS[days[-1]]}"
    return ", ".join(str(DAYS[day]) for day in days)


@register.simple_tag
def running_tag(window: FreezeWindow, running: Period) -> SafeString:
    """The state of a window that runs, with how long it still does."""
    if window.kind == "freeze":
        return tag("info", "snowflake", left(running.ends_at, _("In force, {} left")))
    return tag("ok", "briefcase", left(running.ends_at, _("Open, {} left")))


@register.simple_tag
def window_state(row: WindowRow) -> SafeString:
    """The state of a window in a list."""
    if row.running is not None:
        return running_tag(row.window, row.running)
    form = _("in {}") if row.is_freeze else _("opens in {}")
    words = left(row.coming.starts_at if row.coming else None, form)
    return tag("idle", "clock", words)


@register.simple_tag
def calendar_state(calendar: ImportedCalendar, stale: bool) -> SafeString:
    """Whether an imported calendar can be read, and whether what it says still counts."""
    if calendar.fetched_at is None and not calendar.error:
        return tag("info", "loader", _("Being read"))
    if stale:
        return tag("bad", "circle-x", _("Unknown: freezes cannot be told"))
    if calendar.error:
        return tag("warn", "triangle-alert", _("Not read; the last answer counts"))
    return tag("ok", "check", _("Read"))
