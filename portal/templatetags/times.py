"""Durations and moments in words, as the whole portal writes them. Pure."""

from datetime import datetime, timedelta

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86400


def duration_words(seconds: float) -> str:
    """“40 s”, “9 min”, “1 h 48”, “3 d 4 h”; never negative."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return _("%(n)d s") % {"n": whole}
    if whole < HOUR:
        return _("%(n)d min") % {"n": whole // MINUTE}
    if whole < DAY:
        hours, minutes = whole // HOUR, whole % HOUR // MINUTE
        if not minutes:
            return _("%(n)d h") % {"n": hours}
        return _("%(hours)d h %(minutes)02d") % {"hours": hours, "minutes": minutes}
    days, hours = whole // DAY, whole % DAY // HOUR
    if not hours:
        return _("%(n)d d") % {"n": days}
    return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}


def clock_words(moment: datetime, now: datetime) -> str:
    """The clock time today, date and time before and after that; in the reader's zone."""
    local, today = localtime(moment), localtime(now)
    if local.date() == today.date():
        return local.strftime("%H:%M")
    day = f"{local.day} {local:%b}"
    if local.year != today.year:
        day += f" {local.year}"
    return f"{day} {local:%H:%M}"


def is_recent(moment: datetime, now: datetime) -> bool:
    """Less than an hour ago: written relative to now."""
    return timedelta(0) <= now - moment < timedelta(hours=1)
