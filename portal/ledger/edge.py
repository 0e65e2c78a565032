"""The right edge of the growing log: all that appending needs, in O(log n) memory. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from portal.ledger.tree import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, Frontier, Read, root_of
from portal.ledger.tree import tile_width as width_of


@dataclass(frozen=True, slots=True)
class FullTile:
    """A tile that will never change: 256 hashes, and the root above them."""

    level: int
    index: int
    hashes: bytes
    root: bytes


class Edge:
    """Takes leaf hashes, gives full tiles as they come about, and the root at any time."""

    def __init__(self) -> None:
        self._frontier = Frontier()
        self._partial: list[list[bytes]] = []

    @classmethod
    def at(cls, size: int, read: Read) -> Self:
        """The edge of a log of `size` leaves whose tiles can be read."""
        edge = cls()
        edge._frontier = Frontier.at(size, read)
        level = 0
        while size >> level * TILE_HEIGHT:
            edge._partial.append(list(_last_partial(level, size, read)))
            level += 1
        return edge

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._frontier.size

    def root(self) -> bytes:
        """The root over all of them."""
        return self._frontier.root()

    def push(self, leaf_hash: bytes) -> list[FullTile]:
        """Append a leaf by its hash; the tiles that it made full, the lowest first."""
        self._frontier.push(leaf_hash)
        full: list[FullTile] = []
        level, one = 0, leaf_hash
        while True:
            if level == len(self._partial):
                self._partial.append([])
            hashes = self._partial[level]
            hashes.append(one)
            if len(hashes) < TILE_WIDTH:
                return full
            one = root_of(hashes)
            index = (self.size >> (level + 1) * TILE_HEIGHT) - 1
            full.append(FullTile(level, index, b"".join(hashes), one))
            hashes.clear()
            level += 1


def _last_partial(level: int, size: int, read: Read) -> Iterator[bytes]:
    """The hashes of the last tile of a level, none where it is full."""
    index = (size >> level * TILE_HEIGHT) // TILE_WIDTH
    if width := width_of(level, index, size):
        tile = read(level, index, width)
        for at in range(0, len(tile), HASH_BYTES):
            yield tile[at : at + HASH_BYTES]
