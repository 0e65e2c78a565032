"""Secret addresses at which a calendar program reads the calendar of their owner.

A token reads `csf_<prefix>_<secret>`; of the whole only its SHA-256 is stored.
"""

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from policies.freezes.models import CalendarFeed
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, NotFound
from portal.kernel.validation import check_row
from portal.ledger.actors import person_actor
from portal.ledger.record import record

MOST = 10
USE_NOTED_EVERY = timedelta(minutes=1)
_FORM = re.compile(r"csf_([0-9a-f]{12})_[0-9a-f]{64}")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()


def _record(event: str, by: Any, feed: CalendarFeed) -> None:
    about = {"kind": "freeze_feed", "id": str(feed.pk), "prefix": feed.prefix}
    record(event, actor=person_actor(by), object=about)


@transaction.atomic
def create_feed(*, by: Any, name: str) -> tuple[CalendarFeed, str]:
    """A new feed of `by` and its token, which nobody can read again. Raises Invalid, Conflict."""
    if CalendarFeed.objects.filter(owner=by, revoked_at=None).count() >= MOST:
        raise Conflict(f"You have {MOST} addresses already. Revoke one first.", code="too-many")
    prefix = secrets.token_hex(6)
    token = f"csf_{prefix}_{secrets.token_hex(32)}"
    feed = CalendarFeed(owner=by, name=name, prefix=prefix, secret_hash=_hash(token))
    check_row(feed)
    feed.save(force_insert=True)
    _record("freeze_feed.created", by, feed)
    return feed, token


@transaction.atomic
def revoke_feed(*, by: Any, feed: CalendarFeed) -> None:
    """The address answers nothing from now on; again changes nothing. Its owner may."""
    if feed.owner_id != by.pk:
        raise NotFound(_("There is no such address, or it is not yours."))
    if CalendarFeed.objects.filter(pk=feed.pk, revoked_at=None).update(revoked_at=now()):
        _record("freeze_feed.revoked", by, feed)


def open_feed(token: str) -> CalendarFeed:
    """The feed behind a token, with its owner. Raises NotFound, whatever is wrong with it."""
    refusal = NotFound(_("There is no such address."))
    form = _FORM.fullmatch(token)
    if form is None:
        raise refusal
    feed = CalendarFeed.objects.select_related("owner").filter(prefix=form[1]).first()
    if feed is None or not hmac.compare_digest(bytes(feed.secret_hash), _hash(token)):
        raise refusal
    if feed.revoked_at or not feed.owner.is_active:
        raise refusal
    at = now()
    limit = at - USE_NOTED_EVERY
    CalendarFeed.objects.filter(
        Q(last_used_at=None) | Q(last_used_at__lte=limit), pk=feed.pk
    ).update(last_used_at=at)
    return feed
