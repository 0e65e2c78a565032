"""How streams look: `{% load streams %}`."""

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.templatetags.ui import tag

register = template.Library()

STATES = {
    "works": ("ok", "circle-check", _("Sends")),
    "unused": ("idle", "circle-dashed", _("Nothing sent yet")),
    "behind": ("warn", "clock", _("Behind")),
    "retrying": ("warn", "rotate-cw", _("Being tried again")),
    "failing": ("bad", "circle-x", _("Fails")),
    "paused": ("idle", "pause", _("Paused")),
    "removed": ("idle", "archive", _("Removed")),
}


@register.simple_tag
def stream_state(word: str) -> SafeString:
    """The tag of a state. Raises KeyError for what is none."""
    colour, name, said = STATES[word]
    return tag(colour, name, str(said))
