"""Addresses of tiles and the bytes of entry bundles (C2SP tlog-tiles). Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from portal.ledger.tree import TILE_WIDTH

MOST_LEVEL = 63
_LENGTH_BYTES = 2
_TILE = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class BadTile(ValueError):
    """No address of a tile, or no bundle of entries."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of hashes, or of entries where `level` is None; `width` is 1 to 256."""

    level: int | None
    index: int
    width: int = TILE_WIDTH


def path_of(tile: Tile) -> str:
    """`tile/0/x001/234`, `tile/entries/000.p/17`."""
    level = "entries" if tile.level is None else tile.level
    partial = "" if tile.width == TILE_WIDTH else f".p/{tile.width}"
    return f"tile/{level}/{_index_path(tile.index)}{partial}"


def tile_of(path: str) -> Tile:
    """The tile at a path. Raises BadTile, also for a second way to write an address."""
    found = _TILE.fullmatch(path)
    if not found:
        raise BadTile(path)
    level = None if found["level"] == "entries" else int(found["level"])
    index = int(found["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(found["width"] or TILE_WIDTH))
    if (level or 0) > MOST_LEVEL or tile.width > TILE_WIDTH or path_of(tile) != path:
        raise BadTile(path)
    return tile


def bundled(entries: Iterable[bytes]) -> bytes:
    """Entries of at most 65535 bytes one after the other, each behind its length of two bytes."""
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def unbundled(data: bytes) -> Iterator[bytes]:
    """The entries of a bundle. Raises BadTile where it ends in the middle of one."""
    at = 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data) or start > len(data):
            raise BadTile("the bundle ends within an entry")
        yield data[start:at]


def _index_path(index: int) -> str:
    """Groups of three digits, all but the last behind an x."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups))
