"""Tiles of the log as the tables hold them, over any connection (the sealer knows no Django)."""

from collections.abc import Callable, Sequence
from typing import Any

from portal.ledger.tree import HASH_BYTES, TILE_WIDTH, Read

Fetch = Callable[[str, Sequence[object]], Sequence[Sequence[Any]]]

_FULL = "SELECT hashes FROM ledger_tile WHERE level = %s AND index = %s"
_LEAVES = "SELECT hash FROM ledger_leaf WHERE index >= %s AND index < %s ORDER BY index"
_ROOTS = (
    "SELECT root FROM ledger_tile WHERE level = %s AND index >= %s AND index < %s ORDER BY index"
)


class NoTile(LookupError):
    """The log is not that large, or a part of it is gone."""


def tile_reader(fetch: Fetch) -> Read:
    """A `Read` for `portal.ledger.tree`; `fetch` runs one statement and gives its rows."""

    def read(level: int, index: int, width: int) -> bytes:
        for (hashes,) in fetch(_FULL, [level, index]):
            return bytes(hashes[: width * HASH_BYTES])
        first = index * TILE_WIDTH
        if level == 0:
            rows = fetch(_LEAVES, [first, first + width])
        else:
            rows = fetch(_ROOTS, [level - 1, first, first + width])
        if len(rows) != width:
            raise NoTile(f"tile {level}/{index} has {len(rows)} hashes, not {width}")
        return b"".join(bytes(found) for (found,) in rows)

    return read
