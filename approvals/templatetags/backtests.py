"""How backtests look: `{% load backtests %}`."""

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from approvals.backtest.result import rate_words
from approvals.models import Backtest
from portal.templatetags.ui import tag

register = template.Library()

OUTCOMES = {
    "allow": ("ok", "zap", _("Allowed")),
    "review": ("warn", "users", _("Review")),
    "blocked": ("idle", "circle-question-mark", _("Blocked")),
    "deny": ("bad", "shield-ban", _("Denied")),
}
STATES = {
    "queued": ("idle", "clock"),
    "running": ("info", "play"),
    "done": ("ok", "check"),
    "cancelled": ("idle", "slash"),
    "failed": ("bad", "circle-x"),
}
SHIFTS = {
    "fewer": _("by fewer people"),
    "more": _("by more people"),
    "other": _("by other people"),
}


@register.simple_tag
def outcome(word: str) -> SafeString:
    """The tag of a verdict's outcome. Raises KeyError for what is none."""
    colour, name, said = OUTCOMES[word]
    return tag(colour, name, str(said))


@register.simple_tag
def backtest_state(backtest: Backtest) -> SafeString:
    """The tag of a backtest's state."""
    colour, name = STATES[backtest.state]
    return tag(colour, name, backtest.get_state_display())


@register.filter
def shift_words(shift: str) -> str:
    """Whom a review asks, against before; empty for the same."""
    return str(SHIFTS.get(shift, ""))


@register.filter
def asked_words(people: int) -> str:
    """“2 people”; nothing for nobody."""
    return ngettext("%(n)d person", "%(n)d people", people) % {"n": people} if people else ""


@register.filter
def rate(number: float) -> str:
    """A number for a week."""
    return rate_words(number)
