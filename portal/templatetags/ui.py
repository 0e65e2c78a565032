"""The parts of every page that need logic: `{% load ui %}`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import lucide
import structlog
from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import now as current_time
from django.utils.translation import gettext as _

from portal.kernel.text import make_visible
from portal.templatetags.times import clock_words, duration_words, is_recent

register = template.Library()

COLOURS = frozenset({"ok", "warn", "bad", "info", "drift", "idle"})
ICON_SIZES = {12: "i xs", 14: "i s", 16: "i", 24: "i l"}


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "", extra: str = "") -> SafeString:
    """A Lucide icon. Beside a word it is hidden from screen readers; alone it needs a `label`.

    `size` is 12 (tags), 14 (facts), 16 or 24 px. Raises KeyError for any other size and
    lucide.IconDoesNotExist for an unknown name.
    """
    classes = f"{ICON_SIZES[size]} {extra}".strip()
    attributes = {"aria-label": label, "role": "img"} if label else {"aria-hidden": "true"}
    return mark_safe(  # noqa: S308 - ElementTree escapes what it writes
        lucide._render_icon(str(name), size, **{"class": classes, **attributes})
    )


@register.simple_tag
def tag(colour: str, icon_name: str, word: str, extra: str = "") -> SafeString:
    """A state as icon + word + colour, so that it never stands on colour alone."""
    if colour not in COLOURS:
        raise ValueError(f"unknown state colour {colour!r}")
    classes = f"tag {colour} {extra}".strip()
    return format_html('<span class="{}">{} {}</span>', classes, icon(icon_name, 12), word)


def _time_element(
    moment: datetime, words: str, *, form: str = "", ends: bool = False
) -> SafeString:
    moment = moment.astimezone(UTC)
    utc, stamp = moment.strftime("%Y-%m-%d %H:%M:%S UTC"), moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if not form:
        return format_html('<time datetime="{}" title="{}">{}</time>', stamp, utc, words)
    kind = "left" if ends else "ago"
    return format_html(
        '<time datetime="{}" title="{}" data-rel="{}" data-form="{}">{}</time>',
        stamp, utc, kind, form, words,
    )  # fmt: skip


@register.simple_tag
def time(moment: datetime | None) -> SafeString | str:
    """The clock time today, else date and time; UTC on hover. A dash for no time."""
    if moment is None:
        return "–"
    return _time_element(moment, clock_words(moment, current_time()))


@register.simple_tag
def age(moment: datetime | None, form: str = "") -> SafeString | str:
    """How long ago, under an hour; the clock time or date before that.

    `form` holds `{}` where the duration stands, for example “waiting {}”, and is then used at
    any age.
    """
    if moment is None:
        return "–"
    now = current_time()
    if not form and not is_recent(moment, now):
        return time(moment)
    form = form or _("{} ago")
    words = duration_words((now - moment).total_seconds())
    return _time_element(moment, form.replace("{}", words), form=form)


@register.simple_tag
def left(moment: datetime | None, form: str = "") -> SafeString | str:
    """How long until `moment`, for example “4 min left”; “time is over” after it."""
    if moment is None:
        return _("no time limit")
    form = form or _("{} left")
    seconds = (moment - current_time()).total_seconds()
    words = form.replace("{}", duration_words(seconds)) if seconds > 0 else _("time is over")
    return _time_element(moment, words, form=form, ends=True)


@register.simple_tag
def duration(value: float | timedelta | None) -> str:
    """Seconds or a timedelta in words."""
    if value is None:
        return "–"
    return duration_words(value.total_seconds() if isinstance(value, timedelta) else value)


@register.filter
def visible(text: object) -> str:
    """Text from outside with control, bidirectional and zero-width characters made visible."""
    return make_visible("" if text is None else str(text))


@register.filter
def web_address(text: object) -> str:
    """An address from outside that may become a link; empty for any other scheme."""
    address = str(text)
    return address if address.startswith(("https://", "http://")) else ""


@register.filter
def initials(name: object) -> str:
    """Up to two letters for the user menu."""
    words = make_visible(str(name)).split()
    return "".join(
        word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)
    ).upper()


@register.simple_tag
def request_id() -> str:
    """The id that the log lines of this request carry, for people to quote."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


@register.inclusion_tag("components/nav.html", takes_context=True)
def nav(context: template.Context, place: str = "top") -> dict[str, Any]:
    """The menu; `place` is `top` (the bar) or `pop` (what a phone's bar has no room for)."""
    request: HttpRequest = context["request"]
    items = [("queue", _("Queue")), ("requests", _("Requests")), ("policies", _("Policies")),
             ("freezes", _("Freezes")), ("projects", _("Projects")),
             ("groups", _("Groups"))]  # fmt: skip
    if context.get("is_auditor"):
        items.append(("ledger", _("Audit")))
    if context.get("is_administrator"):
        items.append(("people", _("People")))
    links = [
        {"name": name, "word": word, "url": reverse(name), "current": _is_at(name, request.path)}
        for name, word in items
    ]
    return {
        "links": links if place == "top" else links[2:],
        "place": place,
        "queue_count": context.get("queue_count") or "",
    }


def _is_at(name: str, path: str) -> bool:
    address = reverse(name)
    return path == address if address == "/" else path.startswith(address)
