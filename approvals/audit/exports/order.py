"""Asking for a file that a worker prepares."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.exports.kinds import kind_of
from approvals.lifecycle.announce import wake
from approvals.models import Export, ReportSchedule
from portal.accounts.models import User
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.ledger.actors import person_actor
from portal.ledger.record import record

MOST = 20  # that wait, run or are kept, of one person


@transaction.atomic
def order_export(
    *,
    by: User,
    kind: str,
    subject: str = "",
    form: str,
    wish: dict[str, Any],
    schedule: ReportSchedule | None = None,
) -> Export:
    """Ask for it, or let a schedule of theirs ask; that is recorded now.

    Raises Forbidden, NotFound, Invalid, Conflict.
    """
    at = now()
    export = Export(by=by, kind=kind, subject=subject, form=form, wish=wish, schedule=schedule)
    export.created_at = export.next_try = at
    job = kind_of(export).job(export)
    if schedule is None:
        _check_room(by)
    export.covers, export.file_name = job.covers, job.file_name
    actor = person_actor(by, authn="schedule" if schedule else "session")
    export.entry = record("export.created", actor=actor, project=job.project, export=job.said)
    export.save(force_insert=True)
    wake("approvals.export", str(export.pk))
    return export


def _check_room(by: User) -> None:
    User.objects.select_for_update().values_list("pk").get(pk=by.pk)
    kept = Export.objects.filter(by=by, schedule=None, state__in=[*Export.OPEN, Export.State.READY])
    if kept.count() >= MOST:
        raise Conflict(
            _("You have %(n)d files already. Delete some of them first.") % {"n": MOST},
            code="too-many",
        )
