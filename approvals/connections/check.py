"""Testing a connection: its source asks a harmless question and says what it found."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from approvals.connections.configure import require_configure, source_of
from approvals.context.connected import noting_errors
from approvals.context.fetch import Fetch
from approvals.context.source import SourceFailed
from approvals.models import Connection
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.text import make_visible
from portal.ledger.actors import person_actor
from portal.ledger.record import record


@dataclass(frozen=True)
class Checked:
    """Whether the connection works, and a sentence of what was found or went wrong."""

    works: bool
    sentence: str


def check_connection(*, by: Any, connection: Connection) -> Checked:
    """Ask now, whatever its breaker says; success closes it. No transaction is open meanwhile.

    Raises Forbidden, NotFound for a kind that is not installed, Conflict for an archived one.
    """
    require_configure(by, connection.project)
    if connection.archived_at:
        raise Conflict("This connection was archived.", code="archived")
    source = source_of(connection.kind)
    fetch = Fetch(
        connection,
        budget=source.budget,
        time_to_live=source.time_to_live,
        not_before=now(),
        patient=False,
    )
    try:
        with noting_errors(connection):
            found = Checked(True, make_visible(source.check(fetch)))
    except SourceFailed as failure:
        found = Checked(False, make_visible(str(failure)))
    with transaction.atomic():
        record(
            "connection.tested",
            actor=person_actor(by),
            project=connection.project_id,
            outcome="works" if found.works else "fails",
            object={"kind": "connection", "id": str(connection.pk), "source": connection.kind},
        )
    return found
