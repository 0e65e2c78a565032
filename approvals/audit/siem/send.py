"""Sending what is due: whoever takes a stream has a lease (portal/kernel/due.py), and moves its
position only while it is theirs.

A position moves after its entries were taken, so one that is killed in between sends one batch
again, and none is ever left out. Failures wait longer each time and send less at once, for ever.
"""

import time
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from approvals.audit.siem.configure import note, stop
from approvals.audit.siem.deliver import Undelivered, deliver, sender_of
from approvals.audit.siem.formats import MOST_ENTRIES, batch_of
from approvals.audit.siem.leaves import Unreadable, next_entries
from approvals.lifecycle.announce import wake
from approvals.models import SiemStream
from portal.kernel.clock import now
from portal.kernel.due import held, pause, take
from portal.kernel.text import make_visible
from portal.ledger.actors import SYSTEM
from portal.ledger.note import Checkpoint
from portal.ledger.proofs import published_checkpoint

LEASE = timedelta(seconds=60)  # for one batch
LONGEST_TURN = 45.0  # seconds; then another task gets the worker
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0


def due_streams(limit: int = 50) -> list[UUID]:
    """Streams whose time has come and for which something is sealed, the longest due first."""
    checkpoint = published_checkpoint()
    if checkpoint is None:
        return []
    due = SiemStream.objects.filter(next_try__lte=now(), position__lt=checkpoint.size)
    return list(due.order_by("next_try").values_list("pk", flat=True)[:limit])


def send_stream(stream_id: UUID) -> bool:
    """Send for one stream for a turn, if that is due; whether it was."""
    taken = take(SiemStream.objects.filter(pk=stream_id), LEASE)
    ends = time.monotonic() + LONGEST_TURN
    found = taken is not None
    while taken is not None:
        checkpoint = published_checkpoint()
        if checkpoint is None or taken.position >= checkpoint.size:
            _hand_back(taken)
            break
        try:
            position, count = _send_next(taken, checkpoint)
        except (Undelivered, Unreadable) as failure:
            _note_failure(taken, failure)
            break
        taken = _move(taken, position, count)
        if taken is not None and time.monotonic() > ends:
            _hand_back(taken, more=True)
            break
    return found


def _send_next(taken: SiemStream, checkpoint: Checkpoint) -> tuple[int, int]:
    """The position after what was sent, and how many entries that were."""
    most = max(1, MOST_ENTRIES >> max(0, taken.attempts - 1))
    portion = next_entries(taken.position, checkpoint.size, taken.project_id, most)
    entries = portion.entries
    if not entries:
        return portion.end, 0
    batch = batch_of(taken.kind, entries, sender_of(checkpoint.origin))
    deliver(taken, batch.body)
    rest = entries[batch.count :]
    return rest[0].index if rest else portion.end, batch.count


@transaction.atomic
def _move(taken: SiemStream, position: int, count: int) -> SiemStream | None:
    """Its row with the new position and a new lease; None where it is not ours any more."""
    stream = held(taken)
    if stream is None:
        return None
    at = now()
    stream.position, stream.attempts, stream.failing_since = position, 0, None
    stream.last_sent_at = at if count else stream.last_sent_at
    stream.next_try = at + LEASE
    stream.save(update_fields=["position", "attempts", "failing_since", "last_sent_at", "next_try"])
    return stream


@transaction.atomic
def _hand_back(taken: SiemStream, *, more: bool = False) -> None:
    stream = held(taken)
    if stream is None:
        return
    stream.attempts, stream.next_try = 0, now()
    stream.save(update_fields=["attempts", "next_try"])
    if more:
        wake("approvals.send_stream", str(stream.pk))


@transaction.atomic
def _note_failure(taken: SiemStream, failure: Exception) -> None:
    stream = held(taken)
    if stream is None:
        return
    at = now()
    stream.error, stream.error_at = make_visible(str(failure))[:500], at
    stream.failing_since = stream.failing_since or at
    stream.next_try = at + pause(stream.attempts, FIRST_PAUSE, LONGEST_PAUSE)
    if isinstance(failure, Undelivered):
        if failure.gone:
            stop(stream)
            note(stream, "stream.paused", SYSTEM, outcome="gone")
            return
        stream.next_try = max(stream.next_try, failure.until or at)
    stream.save(update_fields=["error", "error_at", "failing_since", "next_try"])
