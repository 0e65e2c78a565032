"""How exports and the mails about them look: `{% load exports %}`."""

from django import template
from django.utils.safestring import SafeString

from approvals.models import Export, ReportMail
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

MAILS = {
    "waiting": ("idle", "clock"),
    "sending": ("info", "play"),
    "sent": ("ok", "check"),
    "left_out": ("warn", "user-x"),
    "failed": ("bad", "circle-x"),
}


@register.simple_tag
def export_state(export: Export) -> SafeString:
    """The tag of an export's state. Raises KeyError for a deleted one: nothing shows it."""
    colour, name = STATES[export.state]
    return tag(colour, name, export.get_state_display())


@register.simple_tag
def mail_state(mail: ReportMail) -> SafeString:
    """The tag of what became of a mail."""
    colour, name = MAILS[mail.state]
    return tag(colour, name, mail.get_state_display())
