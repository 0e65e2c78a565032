"""What an auditor is told of entries that stand in files only."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from approvals.audit.scope import AuditScope
from portal.kernel.errors import Gone
from portal.ledger.archived import ArchivedMonth, Places, archived_months
from portal.ledger.months import bounds_of
from portal.ledger.proofs import published_checkpoint
from portal.ledger.stored_tiles import NoTile
from portal.ledger.tiles import fetch, read_tile
from portal.ledger.tree import inclusion, verify_inclusion

_LEAF = "SELECT index, number, project, hash FROM ledger_leaf WHERE entry = %s"


@dataclass(frozen=True)
class ArchivedEntry:
    """An entry of an archived month: where it is in the log, and whether its hash is under the
    newest signed root, of `size` entries."""

    id: int
    month: ArchivedMonth
    index: int
    number: int
    hash: str
    size: int
    holds: bool


class IsArchived(Gone):
    """The entry is known, and its text is in a file."""

    code = "archived-entry"

    def __init__(self, entry: ArchivedEntry) -> None:
        said = {"month": entry.month.name, "file": entry.month.file}
        super().__init__(
            _("This entry is archived with its month, %(month)s, in the file %(file)s. Whoever "
              "runs the portal can bring it back: manage.py restore_ledger.") % said
        )  # fmt: skip
        self.entry = entry


def archived_entry(scope: AuditScope, number: int) -> ArchivedEntry | None:
    """None where it is not archived, or outside the scope."""
    rows = fetch(_LEAF, [number])
    if not rows or (scope.projects is not None and rows[0][2] not in scope.projects):
        return None
    index, count, _project, hashed = rows[0]
    month = Places(archived_months(fetch)).month_of(index)
    if month is None:
        return None
    signed = published_checkpoint()
    size, root = (signed.size, signed.root) if signed else (0, b"")
    holds = _holds(index, bytes(hashed), size, root)
    return ArchivedEntry(number, month, index, count, bytes(hashed).hex(), size, holds)


def archived_between(since: datetime, until: datetime) -> list[ArchivedMonth]:
    """Archived months that have a part of this time."""
    return [
        month
        for month in archived_months(fetch)
        if bounds_of(month.month)[0] < until and bounds_of(month.month)[1] > since
    ]


def _holds(index: int, hashed: bytes, size: int, root: bytes) -> bool:
    try:
        hashes = inclusion(index, size, read_tile)
    except (NoTile, ValueError):
        return False
    return verify_inclusion(hashed, index, size, hashes, root)
