"""How exports look: `{% load exports %}`."""

from django import template
from django.utils.safestring import SafeString

from approvals.models import Export
from portal.templatetags.ui import tag

register = template.Library()

STATES = {
    "waiting": ("idle", "clock"),
    "running": ("info", "play"),
    "ready": ("ok", "check"),
    "failed": ("bad", "circle-x"),
    "cancelled": ("idle", "slash"),
    "expired": ("idle", "timer-off"),
}


@register.simple_tag
def export_state(export: Export) -> SafeString:
    """The tag of an export's state. Raises KeyError for a deleted one: nothing shows it."""
    colour, name = STATES[export.state]
    return tag(colour, name, export.get_state_display())
