"""The only writer of a request's status.

A `Change` gathers what happens to one request inside one transaction: new field values, at most
one move at a time, the ledger entries. `save` writes them with one conditional UPDATE and one
INSERT, and wakes the listeners. A row that moved meanwhile refuses (the version differs).
"""

from typing import Any
from uuid import UUID

from approvals.models import Request
from approvals.states import OVER, TRANSITIONS, Status
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.ledger.actors import Actor
from portal.ledger.record import NewEntry, append, new_entry


class Moved(Conflict):
    """Somebody else changed the request first; read it again."""

    code = "illegal-state"


class Change:
    """What happens to `request` now, by `actor`. The caller holds the transaction."""

    def __init__(self, request: Request, actor: Actor) -> None:
        self.request = request
        self.actor = actor
        self._fields: set[str] = set()
        self._entries: list[NewEntry] = []
        self._moved = False

    def set(self, **fields: Any) -> None:
        """New values for fields other than `status`; they are saved with the next entry."""
        if "status" in fields:
            raise ValueError("status moves through `move` only")
        for name, value in fields.items():
            setattr(self.request, name, value)
        self._fields.update(fields)

    def note(
        self, event: str, *, actor: Actor | None = None, outcome: str = "", **parts: Any
    ) -> None:
        """One more line of this request's history: gap-free `seq`, hash of the one before."""
        request = self.request
        previous = request.ledger_prev
        entry = new_entry(
            event,
            actor=actor or self.actor,
            project=request.project_id,
            request=request.id,
            outcome=outcome,
            history={
                "seq": request.ledger_seq + 1,
                "prev": bytes(previous).hex() if previous else None,
            },
            status=str(request.status),
            round=request.round,
            action=self._action(),
            **parts,
        )
        self._entries.append(entry)
        self.set(ledger_seq=request.ledger_seq + 1, ledger_prev=entry.leaf)

    def move(
        self, to: Status, *, actor: Actor | None = None, outcome: str = "", **parts: Any
    ) -> None:
        """Move to another status, as the table of moves allows, and record it.

        `actor`: who moves it where that is not who acts, such as policy inside a pipeline's call.

        Raises Conflict for a move that the table does not have.
        """
        old = Status(self.request.status)
        event = TRANSITIONS.get((old, to))
        if event is None:
            raise Conflict(f"A request that is {old} cannot become {to}.")
        if self._moved:
            self.save()
        if to in OVER:
            self.set(ended_at=now())
        self.request.status = to.value
        self._fields.add("status")
        self._moved = True
        self.note(event, actor=actor, outcome=outcome, **parts)

    @property
    def pending(self) -> bool:
        """Whether anything happened: no change without its entry."""
        return bool(self._entries)

    def save(self) -> int:
        """Write everything; the number of the last entry.

        Raises Moved when we came too late, ValueError when nothing was recorded.
        """
        if not self._entries:
            raise ValueError("nothing is written without an entry")
        request = self.request
        old_version = request.version
        values = {name: getattr(request, name) for name in self._fields}
        request.version = old_version + 1
        moved = Request.objects.filter(pk=request.pk, version=old_version).update(
            version=request.version, **values
        )
        if moved != 1:
            raise Moved("The request changed while you were acting. Read it again.")
        number = append(self._entries, wake=self._wake())
        self._fields, self._entries, self._moved = set(), [], False
        return number

    def _action(self) -> dict[str, Any]:
        request = self.request
        return {
            "kind": request.action,
            "environment": str(request.environment_id),
            "digest": request.digest,
        }

    def _wake(self) -> dict[str, Any]:
        request = self.request
        return {
            "request": str(request.id),
            "project": str(request.project_id),
            "version": request.version,
        }


def locked(request_id: UUID) -> Request:
    """The request's row, locked until the transaction ends, with what every step reads.

    Two statements on purpose: one that locks and joins would, after a wait, give the new row beside
    the old state of the other tables, where its newest verdict and snapshot are missing.

    Raises Request.DoesNotExist.
    """
    Request.objects.select_for_update().values_list("pk").get(pk=request_id)
    return Request.whole(request_id)
