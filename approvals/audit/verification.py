"""Verification of the whole sealed log: every night, and when somebody who audits wishes it.

What is wished for stands in a row, and a worker takes it with a lease (portal/kernel/due.py). The
passage reads through a connection of its own and never holds more than a few megabytes.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection, transaction

from approvals.audit.scope import audit_scope
from approvals.lifecycle.announce import wake
from approvals.models import Verification
from portal.accounts.models import User
from portal.kernel.clock import now
from portal.kernel.due import held, pause, take
from portal.ledger.actors import SYSTEM, person_actor
from portal.ledger.record import record
from portal.ledger.verify import Verified, known_keys, verify_log

log = logging.getLogger(__name__)

NIGHTLY = timedelta(hours=2)  # after midnight, UTC
OLD = timedelta(days=2)
LEASE = timedelta(minutes=10)
RENEW = 5.0  # seconds
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 3600.0
RECORDED = 20  # findings that the ledger's entry names
_BESIDE = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "options")


class LeaseLost(Exception):
    """Somebody else verifies now."""


def verify_now(*, by: User) -> None:
    """Have the log verified, unless that is under way. Raises Forbidden."""
    audit_scope(by)
    with transaction.atomic():
        _want(Verification(asked_by=by, asked_at=now(), next_try=now()))
        for pk in Verification.objects.filter(finished_at=None).values_list("pk", flat=True):
            wake("approvals.verify", str(pk))


def due_verifications() -> list[UUID]:
    """Those that somebody has to carry out; the one of this night is among them."""
    at = now()
    night = (at - NIGHTLY).date()
    if not Verification.objects.filter(night=night).exists():
        _want(Verification(night=night, asked_at=at, next_try=at))
    return list(Verification.objects.filter(next_try__lte=at).values_list("pk", flat=True))


def _want(verification: Verification) -> None:
    """Nothing where one is open: the database keeps that there is one at most."""
    Verification.objects.bulk_create([verification], ignore_conflicts=True)


def run_verification(verification_id: UUID) -> bool:
    """Carry one out, if it is due; whether that was done."""
    taken = take(Verification.objects.filter(pk=verification_id), LEASE)
    if taken is None:
        return False
    begun = time.monotonic()
    try:
        with own_connection() as own:
            found = verify_log(own, known_keys(own), _Progress(taken).said)
    except LeaseLost:
        return False
    except Exception as error:  # whatever stops it must be told, not only found missing
        log.exception("the verification %s could not end", verification_id)
        _try_later(taken, f"{type(error).__name__}: {error}")
        return False
    return _store(taken, found, int((time.monotonic() - begun) * 1000))


class _Progress:
    """Keeps the row's figures, and the lease, while the passage goes on."""

    def __init__(self, taken: Verification) -> None:
        self._taken = taken
        self._next = 0.0

    def said(self, done: int, size: int) -> None:
        """So many of so many leaves are made again. Raises LeaseLost."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + RENEW
        until = now() + LEASE
        ours = Verification.objects.filter(pk=self._taken.pk, next_try=self._taken.next_try)
        if not ours.update(done=done, size=size, next_try=until):
            raise LeaseLost
        self._taken.next_try = until


def _try_later(taken: Verification, error: str) -> None:
    with transaction.atomic():
        row = held(taken)
        if row is not None:
            row.error = error[:500]
            row.next_try = now() + pause(row.attempts, FIRST_PAUSE, LONGEST_PAUSE)
            row.save(update_fields=["error", "next_try"])


@transaction.atomic
def _store(taken: Verification, found: Verified, milliseconds: int) -> bool:
    row = held(taken)
    if row is None:
        return False
    row.done = row.size = found.size
    row.signed_size, row.checkpoints = found.signed_size, found.checkpoints
    row.unsealed, row.milliseconds = found.unsealed, milliseconds
    row.findings, row.more, row.error = found.findings, found.more, ""
    row.finished_at, row.next_try = now(), None
    row.save()
    record(
        "ledger.verified",
        actor=SYSTEM if row.asked_by is None else person_actor(row.asked_by),
        outcome="broken" if row.found else "holds",
        object={
            "kind": "ledger",
            "id": str(row.pk),
            "size": row.size,
            "checkpoints": row.checkpoints,
            "unsealed": row.unsealed,
            "found": row.found,
            "findings": row.findings[:RECORDED],
        },
    )
    return True


def last_verification() -> Verification | None:
    """The newest that is over."""
    over = Verification.objects.filter(finished_at__isnull=False).select_related("asked_by")
    return over.order_by("-finished_at").first()


def open_verification() -> Verification | None:
    """The one that is wished for or under way."""
    return Verification.objects.filter(finished_at=None).first()


def is_old(last: Verification, at: datetime) -> bool:
    """Whether it is too long ago that everything held."""
    return last.finished_at is None or at - last.finished_at > OLD


def own_connection() -> "psycopg.Connection[Any]":
    """Not the pool's: a passage over everything is one long transaction, in REPEATABLE READ."""
    known = connection.get_connection_params()
    parameters = {name: known[name] for name in _BESIDE if known.get(name)}
    return psycopg.connect(**parameters, autocommit=True, application_name="countersign verify")
