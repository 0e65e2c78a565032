"""How connections look: `{% load connections %}`."""

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from approvals.connections.queries import kind_title, state_of
from approvals.models import Connection
from portal.kernel.clock import now
from portal.templatetags.ui import tag

register = template.Library()

STATES = {
    "works": ("ok", "circle-check", _("Works")),
    "unused": ("idle", "circle-dashed", _("Not asked yet")),
    "failing": ("bad", "circle-x", _("Fails")),
    "open": ("bad", "unplug", _("Not asked: it kept failing")),
    "trying": ("warn", "rotate-cw", _("Being tried again")),
    "limited": ("warn", "timer-off", _("Asked us to wait")),
    "paused": ("idle", "pause", _("Paused")),
    "missing": ("bad", "circle-question-mark", _("Its source is not installed")),
    "archived": ("idle", "archive", _("Archived")),
}


@register.simple_tag
def source_state(word: str) -> SafeString:
    """The tag of a state. Raises KeyError for what is none."""
    colour, name, said = STATES[word]
    return tag(colour, name, str(said))


@register.simple_tag
def connection_state(connection: Connection) -> SafeString:
    """The tag of how a connection does now."""
    return source_state(state_of(connection, now()))


@register.filter
def kind(name: str) -> str:
    """What a kind of connection is called."""
    return kind_title(name)
