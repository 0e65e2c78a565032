"""Sending what was prepared: to each recipient once, and only to who audits all of it by then."""

import contextlib
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.schedules.change import note
from approvals.audit.schedules.message import message_of
from approvals.audit.scope import audit_scope
from approvals.models import Export, ReportMail
from portal.kernel.clock import now
from portal.kernel.due import held, pause, take
from portal.kernel.errors import Forbidden
from portal.kernel.text import make_visible
from portal.ledger.actors import SYSTEM

LEASE = timedelta(minutes=2)
TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 1800.0


class NotTaken(Exception):
    """The mail server was not reached or refused: it certainly has nothing."""


class Unclear(Exception):
    """The way to the mail server broke while it took the mail: it may have it."""


def due_mails(limit: int = 50) -> list[UUID]:
    """Mails whose file is there, or will not be."""
    due = ReportMail.objects.filter(next_try__lte=now()).exclude(export__state__in=Export.OPEN)
    return list(due.order_by("next_try").values_list("pk", flat=True)[:limit])


def send_mail(mail_id: UUID) -> bool:
    """Send one, if that is due; whether anything was done."""
    mail = _take(mail_id)
    if mail is None:
        return False
    if why := _left_out(mail):
        _end(mail, ReportMail.State.LEFT_OUT, why)
    elif not settings.SENDS_MAIL:
        _end(mail, ReportMail.State.FAILED, _("No mail server is set up (EMAIL_URL)."))
    else:
        _hand_over(mail)
    return True


@transaction.atomic
def _take(mail_id: UUID) -> ReportMail | None:
    over = Export.objects.exclude(state__in=Export.OPEN)
    mail = take(ReportMail.objects.filter(pk=mail_id, export__in=over), LEASE)
    if mail is None:
        return None
    if mail.state == ReportMail.State.SENDING:
        why = _("A worker was lost while it was sent. It may have gone out; it is not sent again.")
        _end(mail, ReportMail.State.FAILED, why)
        return None
    mail.state = ReportMail.State.SENDING
    mail.save(update_fields=["state"])
    return mail


def _left_out(mail: ReportMail) -> str:
    """Why this person does not get it now; empty for nothing."""
    if not mail.person.email:
        return _("There is no e-mail address.")
    try:
        scope = audit_scope(mail.person)
    except Forbidden:
        return _("Audits nothing any more.")
    return "" if scope.covers(mail.export.covers) else _("Does not audit all of it any more.")


def _hand_over(mail: ReportMail) -> None:
    try:
        _to_server(message_of(mail))
    except NotTaken as error:
        _later(mail, str(error))
    except Unclear as error:
        why = _("The mail server broke off: %(error)s. It may have gone out; it is not sent again.")
        _end(mail, ReportMail.State.FAILED, why % {"error": error})
    else:
        _end(mail, ReportMail.State.SENT)


def _to_server(message: EmailMessage) -> None:
    link = get_connection()
    try:
        link.open()
    except (SMTPException, OSError) as error:
        raise NotTaken(f"{type(error).__name__}: {error}") from error
    try:
        link.send_messages([message])
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        raise NotTaken(f"{type(error).__name__}: {error}") from error
    except (SMTPException, OSError) as error:
        raise Unclear(f"{type(error).__name__}: {error}") from error
    finally:
        with contextlib.suppress(SMTPException, OSError):
            link.close()


@transaction.atomic
def _later(mail: ReportMail, error: str) -> None:
    if mail.attempts >= TRIES:
        _end(mail, ReportMail.State.FAILED, error)
    elif row := held(mail):
        row.state, row.why = ReportMail.State.WAITING, make_visible(error)[:500]
        row.next_try = now() + pause(row.attempts, FIRST_PAUSE, LONGEST_PAUSE)
        row.save(update_fields=["state", "why", "next_try"])


@transaction.atomic
def _end(mail: ReportMail, state: ReportMail.State, why: str = "") -> None:
    row = held(mail)
    if row is None:
        return
    row.state, row.why, row.at, row.next_try = state, make_visible(why)[:500], now(), None
    row.save(update_fields=["state", "why", "at", "next_try"])
    said: dict[str, Any] = {"export": str(row.export_id), "person": str(row.person.actor_ref)}
    note("report.mailed", row.schedule, SYSTEM, outcome=str(state), **said)
