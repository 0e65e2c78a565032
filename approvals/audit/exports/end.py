"""The ends of an export: whole, failed, cancelled, and a file that is kept no longer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.models import Export, ExportChunk
from portal.accounts.models import User
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.ledger.actors import SYSTEM, Actor, person_actor
from portal.ledger.record import record

AT_ONCE = 100


def note(event: str, export: Export, actor: Actor, outcome: str, **more: Any) -> None:
    """An entry about an export. `covers` of one project makes it that project's."""
    said = {"id": str(export.pk), "report": export.subject or export.kind, "form": export.form}
    project = export.covers[0] if export.covers and len(export.covers) == 1 else None
    record(event, actor=actor, project=project, outcome=outcome, export=said | more)


def end(export: Export, state: Export.State, error: str = "") -> None:
    """Put it at its end. The caller holds the row, and records why."""
    export.state, export.error = state, error[:500]
    export.finished_at, export.next_try = now(), None
    if state != Export.State.READY:
        ExportChunk.objects.filter(export=export).delete()
    export.save()


def fail(export: Export, error: str) -> None:
    """It cannot be made. The caller holds the row."""
    end(export, Export.State.FAILED, error)
    note("export.finished", export, person_actor(export.by), "failed")


@transaction.atomic
def cancel_export(*, by: User, export: Export) -> Export:
    """Stop it where it is; one that is over stays as it is."""
    export = Export.objects.select_for_update().get(pk=export.pk)
    if export.open:
        end(export, Export.State.CANCELLED)
        note("export.finished", export, person_actor(by), "cancelled")
    return export


@transaction.atomic
def delete_export(*, by: User, export: Export) -> Export:
    """Delete the file, and take it off the list. Raises Conflict while it is being made."""
    export = Export.objects.select_for_update().get(pk=export.pk)
    if export.open:
        raise Conflict(_("It is being prepared. Cancel it first."), code="open")
    if export.state != Export.State.DELETED:
        was = export.state
        _remove(export, Export.State.DELETED)
        if was == Export.State.READY:
            note("export.removed", export, person_actor(by), "deleted")
    return export


def expire_exports() -> int:
    """Delete the files whose time is over; the rows stay. How many there were."""
    due = Export.objects.filter(state=Export.State.READY, expires_at__lte=now())
    return sum(_expire(pk, now()) for pk in due.values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _expire(export_id: UUID, at: datetime) -> bool:
    rows = Export.objects.select_for_update(skip_locked=True)
    export = rows.filter(pk=export_id, state=Export.State.READY, expires_at__lte=at).first()
    if export is None:
        return False
    _remove(export, Export.State.EXPIRED)
    note("export.removed", export, SYSTEM, "expired")
    return True


def _remove(export: Export, state: Export.State) -> None:
    export.state = state
    export.save(update_fields=["state"])
    ExportChunk.objects.filter(export=export).delete()
