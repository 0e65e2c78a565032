"""Fetching a file that was prepared: for whom it is, while they audit all that may be in it."""

from collections.abc import Generator
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from approvals.audit.exports.end import note
from approvals.audit.exports.shelf import read_file
from approvals.audit.scope import audit_scope
from approvals.models import Export, ReportMail
from portal.accounts.models import User
from portal.kernel.errors import Conflict, Forbidden, Gone, NotFound
from portal.ledger.actors import person_actor


def exports_of(person: User) -> QuerySet[Export]:
    """What `person` asked for, and what was prepared for them by a schedule."""
    mails = ReportMail.objects.filter(export=OuterRef("pk"), person=person)
    sent = mails.filter(state__in=[ReportMail.State.SENT, ReportMail.State.FAILED])
    return Export.objects.filter(Q(by=person) | Exists(sent)).exclude(state=Export.State.DELETED)


def load_export(person: User, export_id: UUID) -> Export:
    """An export that is for them. Raises NotFound, also for somebody else's."""
    return _found(exports_of(person), export_id)


def load_own(person: User, export_id: UUID) -> Export:
    """One that they asked for themselves. Raises NotFound."""
    return _found(exports_of(person).filter(by=person), export_id)


def _found(exports: QuerySet[Export], export_id: UUID) -> Export:
    found = exports.filter(pk=export_id).first()
    if found is None:
        raise NotFound(_("There is no such export, or it is not yours."))
    return found


def fetch_export(*, by: User, export: Export) -> Generator[bytes, None, None]:
    """The file in pieces. That it is fetched is recorded now.

    Raises Forbidden where `by` does not audit all of it any more, Gone, and Conflict before it
    is ready.
    """
    if not audit_scope(by).covers(export.covers):
        raise Forbidden(
            _("You do not audit everything in this file any more. Ask for a new one."),
            code="missing-permission",
        )
    with transaction.atomic():
        # Held to the end of the entry: a file that expires just now is not fetched.
        export = Export.objects.select_for_update().get(pk=export.pk)
        if export.state in {Export.State.EXPIRED, Export.State.DELETED}:
            raise Gone(_("This file is kept no longer. Ask for a new one."))
        if export.state != Export.State.READY:
            raise Conflict(_("This file is not ready."), code="not-ready")
        note("export.fetched", export, person_actor(by), "", digest=export.digest)
    return read_file(export)
