"""What shows that entries are in a log: a walk over the whole tree, from its first leaf on. Pure.

Each line covers the next leaves: `leaves COUNT` those whose entries are in the bundle, and
`node HEIGHT HASH` the complete subtree over 2**HEIGHT leaves that are not. For one range these are
the O(log n) hashes left and right of it; for scattered entries no hash is told twice. A leaf's
index is the number of leaves that the walk covered before it.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache

from portal.ledger.tree import Read, subtree

TILES = 16  # a few of each level: the walk never goes back


def tree_walk(indexes: Iterable[int], size: int, read: Read) -> Iterator[bytes]:
    """The lines for these leaves, given in their order, in a tree of `size`."""
    read = lru_cache(maxsize=TILES)(read)
    at = run = 0
    for index in indexes:
        if index > at:
            yield from _leaves(run)
            yield from _nodes(at, index, size, read)
            at, run = index, 0
        at, run = at + 1, run + 1
    yield from _leaves(run)
    yield from _nodes(at, size, size, read)


def _leaves(count: int) -> Iterator[bytes]:
    if count:
        yield b"leaves %d\n" % count


def _nodes(start: int, end: int, size: int, read: Read) -> Iterator[bytes]:
    """The largest complete subtrees that lie between two leaves."""
    while start < end:
        height = (end - start).bit_length() - 1
        if start:
            height = min(height, (start & -start).bit_length() - 1)
        yield b"node %d %s\n" % (height, b64encode(subtree(height, start >> height, size, read)))
        start += 1 << height
