"""What people see of streams: which there are, how far each is, and how it does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from approvals.audit.scope import audit_scope
from approvals.audit.siem.configure import sealed_size
from approvals.models import SiemStream
from portal.access import Capability, holds, require
from portal.directory.queries import load_project
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.ledger.tiles import fetch

ALARM_AFTER = 5  # failures in a row
LATE = timedelta(minutes=1)

_SEALED_SINCE = "SELECT at FROM ledger_checkpoint WHERE size > %s ORDER BY size LIMIT 1"
_SEALED_BEFORE = "SELECT size FROM ledger_checkpoint WHERE at < %s ORDER BY size DESC LIMIT 1"


@dataclass(frozen=True)
class Standing:
    """A stream now: `behind` leaves wait for it, the first of them sealed at `since`.

    `state` is one word: removed, paused, failing (the alarm), retrying, behind, unused or works.
    """

    stream: SiemStream
    state: str
    size: int
    behind: int
    since: datetime | None


def visible_streams(person: Any) -> QuerySet[SiemStream]:
    """All of them for administrators and the organisation's auditors, for others those of the
    projects that they audit. Raises Forbidden for who does neither."""
    rows = SiemStream.objects.filter(removed_at=None).select_related("project")
    if holds(person, Capability.ADMINISTER):
        return rows
    scope = audit_scope(person)
    return rows if scope.projects is None else rows.filter(project__in=scope.projects)


def load_stream(person: Any, stream_id: UUID) -> SiemStream:
    """One that `person` may see. Raises NotFound where it is not theirs to see, Forbidden."""
    rows = SiemStream.objects.select_related("project", "created_by")
    found = rows.filter(pk=stream_id).first()
    if found is None:
        raise NotFound(_("There is no such stream, or it is not yours to see."))
    if not holds(person, Capability.ADMINISTER):
        if found.project is not None:
            load_project(person, found.project.pk)
        require(person, Capability.AUDIT, found.project)
    return found


def administered_stream(person: Any, stream_id: UUID) -> SiemStream:
    """One that `person` may change. Raises NotFound, Forbidden."""
    found = load_stream(person, stream_id)
    require(person, Capability.ADMINISTER)
    return found


def standing_of(stream: SiemStream) -> Standing:
    """How it stands now."""
    size = sealed_size()
    behind = max(0, size - stream.position)
    rows = fetch(_SEALED_SINCE, [stream.position]) if behind else []
    since = rows[0][0] if rows else None
    return Standing(stream, _state(stream, since), size, behind, since)


def position_at(moment: datetime) -> int:
    """A position before which nothing was recorded at `moment` or later."""
    rows = fetch(_SEALED_BEFORE, [moment])
    return min(rows[0][0], sealed_size()) if rows else 0


def _state(stream: SiemStream, since: datetime | None) -> str:
    if stream.removed_at:
        return "removed"
    if stream.paused_at:
        return "paused"
    if stream.failing_since:
        return "failing" if stream.attempts >= ALARM_AFTER else "retrying"
    if since and now() - since > LATE:
        return "behind"
    return "works" if stream.last_sent_at else "unused"
