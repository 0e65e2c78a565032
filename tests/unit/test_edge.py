"""The growing edge of the log: whatever the size it is taken up at, it goes on the same way."""

import hashlib

import pytest

from portal.ledger.edge import Edge
from portal.ledger.tree import HASH_BYTES, TILE_WIDTH, root, root_of

LEAVES = [hashlib.sha256(b"%d" % number).digest() for number in range(TILE_WIDTH**2 + 300)]


class Tiles(dict):
    """Full tiles as the tables hold them."""

    def read(self, level, index, width):
        if (level, index) in self:
            return self[level, index].hashes[: width * HASH_BYTES]
        first = index * TILE_WIDTH
        below = LEAVES if level == 0 else [
            self[level - 1, number].root for number in range(first, first + width)
        ]  # fmt: skip
        return b"".join(below[first : first + width] if level == 0 else below)

    def keep(self, tiles):
        for tile in tiles:
            assert (tile.level, tile.index) not in self
            self[tile.level, tile.index] = tile


@pytest.fixture(scope="module")
def tiles():
    found, edge = Tiles(), Edge()
    for leaf in LEAVES:
        found.keep(edge.push(leaf))
    return found


def test_every_full_tile_comes_about_once(tiles):
    full = len(LEAVES) // TILE_WIDTH
    assert sorted(tiles) == [*((0, index) for index in range(full)), (1, 0)]
    assert tiles[1, 0].root == root_of(LEAVES[: TILE_WIDTH**2])
    assert root(len(LEAVES), tiles.read) == root_of(LEAVES)


@pytest.mark.parametrize(
    "size", [0, 1, 255, 256, 257, 511, 512, 65279, 65280, 65535, 65536, 65537, 65792, 65800]
)
def test_taken_up_at_any_size_it_goes_on_the_same_way(tiles, size):
    edge = Edge.at(size, tiles.read)
    assert (edge.size, edge.root()) == (size, root_of(LEAVES[:size]))
    for leaf in LEAVES[size : size + 300]:
        for tile in edge.push(leaf):
            assert tile == tiles[tile.level, tile.index]
    assert edge.root() == root_of(LEAVES[: edge.size])
