"""Tiles and bundles of the log for the portal: what log endpoints give out and proofs read."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from portal.ledger.archived import ArchivedMonth, Places, archived_months
from portal.ledger.leaf import leaf_bytes
from portal.ledger.stored_tiles import NoTile, tile_reader
from portal.ledger.tile_paths import bundled
from portal.ledger.tree import TILE_WIDTH

# LIMIT: each entry is looked up by its id. Statistics of a growing table are always behind, and
# with them the planner prefers to read the whole ledger.
_LEAVES = """
    SELECT entry.at, entry.payload, leaf.number FROM ledger_leaf AS leaf
    CROSS JOIN LATERAL
        (SELECT at, payload FROM ledger_entry WHERE id = leaf.entry LIMIT 1) AS entry
    WHERE leaf.index >= %s AND leaf.index < %s ORDER BY leaf.index
"""


def fetch(statement: str, values: Sequence[object]) -> Sequence[Sequence[Any]]:
    """The rows of one statement on Django's connection."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)  # type: ignore[arg-type]
        return cursor.fetchall()  # type: ignore[no-any-return]


class Archived(NoTile):
    """A leaf whose entry stands in a file only: its hash is there, its bytes are not."""

    def __init__(self, month: ArchivedMonth) -> None:
        super().__init__(f"{month.name} is archived in {month.file}")
        self.month = month


read_tile = tile_reader(fetch)


def leaves_between(first: int, end: int) -> list[bytes]:
    """The bytes of the leaves from `first` up to but without `end`.

    Raises NoTile where one of them is not sealed, or its entry is not in the ledger; Archived where
    it is in the file of a month.
    """
    rows = fetch(_LEAVES, [first, end])
    if len(rows) != end - first:
        months = Places(archived_months(fetch))
        found = next(filter(None, map(months.month_of, range(first, end))), None)
        if found is not None:
            raise Archived(found)
        raise NoTile(f"{len(rows)} of the leaves {first} to {end - 1} are there")
    return [leaf_bytes(at=at, payload=bytes(data), number=number) for at, data, number in rows]


def entry_bundle(index: int, width: int) -> bytes:
    """`width` leaves from leaf 256 * index on, as C2SP tlog-tiles bundles them.

    Raises NoTile, Archived.
    """
    first = index * TILE_WIDTH
    return bundled(leaves_between(first, first + width))
