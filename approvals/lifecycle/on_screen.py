"""What a person looked at: still what matters, or what moved since."""

from typing import Any

from approvals.context.drift import changes_that_matter
from approvals.models import Request, Snapshot, Verdict
from portal.kernel.errors import Conflict


class SnapshotMoved(Conflict):
    """The facts are not the ones the person looked at; `changes` says which, old and new."""

    code = "snapshot-moved"

    @property
    def changes(self) -> list[dict[str, Any]]:
        """Each changed fact: `{fact, old, new}`."""
        return list(self.extra.get("changes", []))


def shown(request: Request, digest: str) -> tuple[Snapshot, Verdict]:
    """The facts looked at and their verdict, if they are still what matters.

    Raises SnapshotMoved, Conflict (facts are still being gathered).
    """
    current, verdict = request.snapshot, request.verdict
    if current is None or verdict is None:
        raise Conflict("The facts are still being gathered.", code="gathering")
    if current.digest == digest:
        return current, verdict
    seen = Snapshot.objects.filter(request=request, digest=digest).first()
    if seen is None:
        raise SnapshotMoved("Look at the facts first, then decide.", changes=[])
    changes = changes_that_matter(seen.typed, current.typed, verdict.body)
    if changes or seen.round != request.round:
        raise SnapshotMoved(
            f"Not recorded: {_counted(len(changes))} changed since you opened the page.",
            changes=[change.to_json() for change in changes],
        )
    return seen, verdict


def _counted(changes: int) -> str:
    return "some facts" if not changes else "1 fact" if changes == 1 else f"{changes} facts"
