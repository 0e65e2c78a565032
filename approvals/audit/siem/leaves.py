"""What a stream sends next: entries of published checkpoints, as they were sealed."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from approvals.audit.siem.entry import SealedEntry
from portal.ledger.chain import leaf_hash
from portal.ledger.leaf import leaf_bytes
from portal.ledger.seal_sql import NO_PROJECT
from portal.ledger.tiles import fetch

WINDOW = 10_000  # leaves that are looked through at once for those of a project

_NEXT = """
    SELECT leaf.index, leaf.number, leaf.hash, entry.at, entry.payload
    FROM ledger_leaf AS leaf LEFT JOIN ledger_entry AS entry ON entry.id = leaf.entry
    WHERE leaf.index >= %s AND leaf.index < %s AND (%s::uuid IS NULL OR leaf.project = %s)
    ORDER BY leaf.index LIMIT %s
"""
_NEWEST = f"""
    SELECT index FROM ledger_leaf
    WHERE coalesce(project, '{NO_PROJECT}'::uuid) = %s AND index < %s
    ORDER BY number DESC LIMIT 1
"""  # noqa: S608  (a constant)


class Unreadable(Exception):
    """The entry that comes next is not in the ledger, or is not what was sealed."""


@dataclass(frozen=True)
class Portion:
    """Entries in the log's order, and the position after them."""

    entries: list[SealedEntry]
    end: int


def next_entries(position: int, size: int, project: UUID | None, most: int) -> Portion:
    """Up to `most` of them from `position` on, in a log of `size` leaves; of a project, or all.

    Where the project has none for a long way, none and a position further on. Raises Unreadable:
    nothing is ever passed over.
    """
    end = min(position + WINDOW, size)
    rows = fetch(_NEXT, [position, end, project, project, most])
    entries: list[SealedEntry] = []
    for index, number, hashed, at, payload in rows:
        leaf = b"" if payload is None else leaf_bytes(at=at, payload=bytes(payload), number=number)
        if leaf_hash(leaf) != bytes(hashed):
            if entries:
                return Portion(entries, index)
            raise Unreadable(
                f"the entry of leaf {index} is not what was sealed"
                if leaf
                else f"the entry of leaf {index} is not in the ledger: was its month archived?"
            )
        entries.append(SealedEntry(index, at, leaf, orjson.loads(payload)))
    return Portion(entries, entries[-1].index + 1 if len(entries) == most else end)


def newest_entry(size: int, project: UUID | None) -> SealedEntry | None:
    """The last one in a log of `size` leaves; of a project, or of all. Raises Unreadable."""
    index = size - 1
    if project is not None:
        rows = fetch(_NEWEST, [project, size])
        index = rows[0][0] if rows else -1
    found = next_entries(index, index + 1, project, 1).entries if index >= 0 else []
    return found[0] if found else None
