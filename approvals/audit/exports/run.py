"""The work of an export. A killed worker's is begun again by another, three times at most.

Whoever works on it moves `next_try` ahead (a lease, portal/kernel/due.py), and may write only
while `attempts` is theirs.
"""

import logging
from contextlib import closing
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.exports.end import end, fail
from approvals.audit.exports.job import Job, Stopped
from approvals.audit.exports.kinds import kind_of
from approvals.audit.exports.shelf import LEASE, Shelf, beside
from approvals.models import Export, ExportChunk
from portal.kernel.clock import now
from portal.kernel.due import pause, take
from portal.kernel.errors import Refused
from portal.ledger.actors import person_actor
from portal.ledger.record import record

log = logging.getLogger(__name__)

KEPT = timedelta(days=7)
TURNS = 3
AT_ONCE = 2  # they must not fill the workers
LONGEST = 4 * 3600  # seconds of one turn
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0


def due_exports(limit: int = 10) -> list[UUID]:
    """Exports that somebody has to work on, the oldest first."""
    due = Export.objects.filter(next_try__lte=now()).order_by("created_at")
    return list(due.values_list("pk", flat=True)[:limit])


def run_export(export_id: UUID) -> bool:
    """Prepare one file, if that is due; whether anything was done."""
    export = _take(export_id)
    if export is None:
        return False
    try:
        _write(export)
    except Stopped:
        log.info("export %s was cancelled or went to another worker", export.pk)
    except Refused as refusal:
        _give_up(export, refusal.sentence)
    except Exception:
        log.exception("export %s broke off in turn %d", export.pk, export.attempts)
        _again(export)
    return True


@transaction.atomic
def _take(export_id: UUID) -> Export | None:
    running = Export.objects.filter(state=Export.State.RUNNING, next_try__gt=now())
    if running.count() >= AT_ONCE:
        return None
    export = take(Export.objects.filter(pk=export_id), LEASE)
    if export is None:
        return None
    if export.attempts > TURNS:
        fail(export, _("It broke off %(n)d times. The portal's log says why.") % {"n": TURNS})
        return None
    ExportChunk.objects.filter(export=export).delete()
    export.state, export.rows, export.size = Export.State.RUNNING, 0, 0
    export.save(update_fields=["state", "rows", "size"])
    return export


def _write(export: Export) -> None:
    job = kind_of(export).job(export)
    _expect(export, job)
    with beside() as link:
        shelf = Shelf(link, export)
        with closing(job.parts(shelf.progress)) as parts:
            for part in parts:
                shelf.put(part)
        digest = shelf.close()
    _finish(export, job, shelf, digest)


def _expect(export: Export, job: Job) -> None:
    mine = Export.objects.filter(pk=export.pk, state=Export.State.RUNNING, attempts=export.attempts)
    if not mine.update(expected=job.expected(), covers=job.covers):
        raise Stopped


@transaction.atomic
def _finish(export: Export, job: Job, shelf: Shelf, digest: str) -> None:
    row = _held(export)
    if row is None:
        raise Stopped
    row.rows, row.size, row.digest = shelf.rows, shelf.size, digest
    row.covers, row.file_name, row.content_type = job.covers, job.file_name, job.content_type
    row.expires_at = now() + KEPT
    end(row, Export.State.READY)
    said = job.said | {"rows": row.rows, "digest": digest}
    record(
        "export.finished",
        actor=person_actor(row.by),
        project=job.project,
        outcome="done",
        export=said,
    )


def _held(export: Export) -> Export | None:
    """The row as it is now, locked; None when the turn is not ours any more."""
    rows = Export.objects.select_for_update().filter(pk=export.pk, state=Export.State.RUNNING)
    return rows.filter(attempts=export.attempts).first()


@transaction.atomic
def _give_up(export: Export, sentence: str) -> None:
    if row := _held(export):
        fail(row, sentence)


@transaction.atomic
def _again(export: Export) -> None:
    if row := _held(export):
        row.state = Export.State.WAITING
        row.next_try = now() + pause(row.attempts, FIRST_PAUSE, LONGEST_PAUSE)
        row.save(update_fields=["state", "next_try"])
