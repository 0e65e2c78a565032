"""The mail with the link of an invitation. It is sent at once: the secret is stored nowhere."""

from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.access.models import Organisation
from portal.accounts.models import Invitation
from portal.kernel.database import let_go
from portal.kernel.text import make_visible, on_one_line


def link_of(secret: str) -> str:
    """The whole address of an invitation."""
    return settings.PUBLIC_URL + reverse("invitation", args=[secret])


def mail_invitation(invitation: Invitation, secret: str) -> str:
    """Send the link to the person; why it did not go out, or nothing."""
    if not settings.SENDS_MAIL:
        return _("No mail server is set up (EMAIL_URL).")
    message = _message(invitation, secret)
    let_go()
    try:
        message.send()
    except (SMTPException, OSError) as error:
        text = make_visible(f"{type(error).__name__}: {error}")[:300]
        return _("The mail server did not take the mail: %(error)s.") % {"error": text}
    return ""


def _message(invitation: Invitation, secret: str) -> EmailMessage:
    organisation = Organisation.objects.get().name
    lines = [
        _("%(name)s added you to Countersign of %(organisation)s, where actions are approved.")
        % {"name": invitation.by.name, "organisation": organisation},
        "",
        _("Your sign-in name: %(name)s") % {"name": invitation.person.username},
        _("Choose your password here:"),
        link_of(secret),
        "",
        _("The link works once, until %(until)s UTC. If you did not expect this, do nothing.")
        % {"until": f"{invitation.expires_at:%Y-%m-%d %H:%M}"},
    ]
    subject = _("Your access to Countersign of %(organisation)s") % {"organisation": organisation}
    name = f"<{invitation.pk}@countersign>"
    return EmailMessage(
        subject=on_one_line(subject),
        body=make_visible("\n".join(lines) + "\n"),
        to=[invitation.person.email],
        headers={
            "Auto-Submitted": "auto-generated",
            "Message-ID": name,
        },
    )
