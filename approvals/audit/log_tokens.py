"""Tokens of the log: an auditor's program or a monitor reads it without a session.

Such a token reads the log and nothing else, and only while who made it audits the whole portal.
"""

from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from approvals.models import LogToken
from portal.access import Capability, require
from portal.accounts.models import User
from portal.kernel.bearer import is_bearer, new_bearer, prefix_of
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Conflict, NotFound, Unauthenticated
from portal.kernel.validation import check_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.record import record

KIND = "csl"
MOST = 20  # that are accepted, of one person
LIFETIME = timedelta(days=90)
MAX_LIFETIME = timedelta(days=365)
USE_NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def issue_log_token(*, by: User, name: str, expires_at: datetime) -> tuple[LogToken, str]:
    """A new token and its secret, which nobody can read again; it lasts a year at most.

    Raises Forbidden, Invalid, Conflict where they have too many.
    """
    require(by, Capability.AUDIT)
    # A minute more, so that “a year from now” typed into a form is still within the year.
    if not now() < expires_at <= now() + MAX_LIFETIME + timedelta(minutes=1):
        raise invalid("expires_at", _("Choose a time in the future, at most one year from now."))
    User.objects.select_for_update().values_list("pk").get(pk=by.pk)
    if log_tokens_of(by).filter(revoked_at=None, expires_at__gt=now()).count() >= MOST:
        raise Conflict(
            _("You have %(n)d tokens already. Revoke one first.") % {"n": MOST}, code="too-many"
        )
    bearer = new_bearer(KIND)
    token = LogToken(by=by, name=name, prefix=bearer.prefix, secret_hash=bearer.hash)
    token.created_at, token.expires_at = now(), expires_at
    check_row(token, ["name", "expires_at"])
    token.save(force_insert=True)
    _note("log_token.created", by, token)
    return token, bearer.secret


@transaction.atomic
def revoke_log_token(*, by: User, token: LogToken) -> None:
    """It is refused from now on; again changes nothing. Raises NotFound for somebody else's."""
    if token.by_id != by.pk:
        raise NotFound(_("There is no such token, or it is not yours."))
    if LogToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now()):
        _note("log_token.revoked", by, token)


def _note(event: str, by: User, token: LogToken) -> None:
    about = {"kind": "log_token", "id": str(token.pk), "prefix": token.prefix, "name": token.name}
    about["expires_at"] = rfc3339(token.expires_at)
    record(event, actor=person_actor(by), object=about)


def log_tokens_of(person: User) -> QuerySet[LogToken]:
    """Their own, the newest first."""
    return LogToken.objects.filter(by=person).order_by("-created_at")


def load_log_token(person: User, token_id: UUID) -> LogToken:
    """One of their own. Raises NotFound."""
    found = log_tokens_of(person).filter(pk=token_id).first()
    if found is None:
        raise NotFound(_("There is no such token, or it is not yours."))
    return found


def reader_of(secret: str) -> User:
    """Who made the token. Raises Unauthenticated for one that is not accepted."""
    prefix = prefix_of(KIND, secret)
    token = LogToken.objects.select_related("by").filter(prefix=prefix or "").first()
    if token is None or not is_bearer(secret, bytes(token.secret_hash)):
        _refuse(_("This token of the log is not known here."))
    if token.revoked_at or not token.by.is_active:
        _refuse(_("This token of the log was revoked."))
    moment = now()
    if token.expires_at <= moment:
        _refuse(_("This token of the log has expired."))
    # Once a minute is enough to find unused tokens, and spares a write for every tile.
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=moment - USE_NOTED_EVERY)
    LogToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=moment)
    return token.by


def _refuse(sentence: str) -> NoReturn:
    raise Unauthenticated(sentence, code="unauthenticated")
