"""What a mail says: which report is ready, how large it is, and where it is fetched.

The file itself stays in the portal. A mail can be forwarded, lies in mailboxes for years, and is
read without signing in: no right would be checked, no reading recorded, and nothing in it erased.
"""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.audit.exports.listing import in_words
from approvals.models import Export, ReportMail
from portal.kernel.text import make_visible, on_one_line


def message_of(mail: ReportMail) -> EmailMessage:
    """The message; a report that could not be prepared is said to be so."""
    export, schedule = mail.export, mail.schedule
    (row,) = in_words([export])
    what = f"{row.title}, {row.part}" if row.part else row.title
    ready = export.state == Export.State.READY
    lines = [
        what,
        "",
        *(_ready(mail) if ready else _failed(export)),
        "",
        _("%(name)s set up this report for you. To stop it, or to get it no more:")
        % {"name": schedule.by.name},
        _address("schedule", schedule.pk),
    ]
    return EmailMessage(
        subject=on_one_line(what if ready else _("Not prepared: %(what)s") % {"what": what}),
        body=make_visible("\n".join(lines) + "\n"),
        to=[mail.person.email],
        headers={"Auto-Submitted": "auto-generated", "Message-ID": f"<{mail.pk}@countersign>"},
    )


def _ready(mail: ReportMail) -> list[str]:
    export = mail.export
    until = export.expires_at.astimezone(ZoneInfo(mail.schedule.zone)) if export.expires_at else ""
    return [
        _("Rows: %(rows)s") % {"rows": f"{export.rows:,}"},
        _("File: %(name)s, %(size)s")
        % {"name": export.file_name, "size": filesizeformat(export.size).replace("\xa0", " ")},
        _("SHA-256: %(digest)s") % {"digest": export.digest.removeprefix("sha256:")},
        _("Kept until: %(until)s (%(zone)s)")
        % {"until": f"{until:%Y-%m-%d %H:%M}", "zone": mail.schedule.zone},
        "",
        _("Fetch it after signing in:"),
        _address("export", export.pk),
    ]


def _failed(export: Export) -> list[str]:
    why = export.error or _("It was cancelled.")
    return [_("This report could not be prepared."), why]


def _address(name: str, pk: object) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=[pk])}"
