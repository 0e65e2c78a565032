"""The Merkle tree of the log (RFC 6962 section 2.1): roots and proofs. Pure.

Tiles are those of C2SP tlog-tiles: tile (level, index) holds up to 256 hashes of 32 bytes, those
of the complete subtrees of 256**level leaves, from subtree 256 * index on. A `Read` gives the first
`width` of them as bytes. A proof reads O(log n) tiles.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import Self

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()

Read = Callable[[int, int, int], bytes]
Span = tuple[int, int]


def node_hash(left: bytes, right: bytes) -> bytes:
    """`SHA-256(0x01 || left || right)`, the hash above two."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes, in this order."""
    frontier = Frontier()
    for leaf_hash in leaf_hashes:
        frontier.push(leaf_hash)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: the roots of its largest complete subtrees, O(log n)."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """`hashes` are the roots of the complete subtrees that `size` falls into, largest first.

        Raises ValueError when it is another number of hashes.
        """
        if len(hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")
        self.size = size
        self._hashes = list(hashes)

    @classmethod
    def at(cls, size: int, read: Read) -> Self:
        """The frontier of a tree whose tiles are there."""
        nodes = _Nodes(size, read)
        return cls(size, [nodes.complete(span) for span in _complete_spans((0, size))])

    def push(self, leaf_hash: bytes) -> None:
        """Append a leaf by its hash."""
        self._hashes.append(leaf_hash)
        merges = (self.size ^ (self.size + 1)).bit_count() - 1
        for _ in range(merges):
            right = self._hashes.pop()
            self._hashes[-1] = node_hash(self._hashes[-1], right)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree so far; of an empty one the hash of nothing."""
        return _joined(self._hashes) if self._hashes else EMPTY_ROOT


def root(size: int, read: Read) -> bytes:
    """The root of the first `size` leaves."""
    return Frontier.at(size, read).root()


def inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves (RFC 6962 section 2.1.1).

    Raises ValueError for a leaf beyond the size.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
    nodes = _Nodes(size, read)
    return [nodes.hash(span) for span in _path(index, (0, size))]


def consistency(old: int, new: int, read: Read) -> list[bytes]:
    """The proof that the first `old` of `new` leaves are unchanged (RFC 6962 section 2.1.2).

    Raises ValueError when `old` is the larger one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not hold one of {old}")
    nodes = _Nodes(new, read)
    return [nodes.hash(span) for span in _subproof(old, (0, new))] if old else []


def subtree(height: int, index: int, size: int, read: Read) -> bytes:
    """The hash over leaves index * 2**height and on, 2**height of them, in a tree of `size`."""
    return _Nodes(size, read).complete((index << height, index + 1 << height))


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the proof leads from the leaf at `index` to `root` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            node, last = _up_to_right_child(node, last)
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the proof leads from `old_root` to `new_root` (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not proof and old_root == (new_root if old else EMPTY_ROOT)
    if not proof:
        return False
    first, *rest = [old_root, *proof] if old.bit_count() == 1 else proof
    node, last = _up_to_left_child(old - 1, new - 1)
    old_found = new_found = first
    for sibling in rest:
        if last == 0:
            return False
        if node & 1 or node == last:
            old_found = node_hash(sibling, old_found)
            new_found = node_hash(sibling, new_found)
            node, last = _up_to_right_child(node, last)
        else:
            new_found = node_hash(new_found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old_found == old_root and new_found == new_root


def _up_to_right_child(node: int, last: int) -> tuple[int, int]:
    """Pass the levels on which a node at the right edge stands alone."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _up_to_left_child(node: int, last: int) -> tuple[int, int]:
    """Pass the levels on which the old edge is complete, so that both trees share its root."""
    while node & 1:
        node, last = node >> 1, last >> 1
    return node, last


class _Nodes:
    """Hashes of subtrees of a tree of `size` leaves; a tile is read once."""

    def __init__(self, size: int, read: Read) -> None:
        self._size = size
        self._read = read
        self._tiles: dict[tuple[int, int], bytes] = {}

    def hash(self, span: Span) -> bytes:
        return _joined([self.complete(part) for part in _complete_spans(span)])

    def complete(self, span: Span) -> bytes:
        """The root of a complete subtree, from the level of tiles at or below it."""
        start, end = span
        level = ((end - start).bit_length() - 1) // TILE_HEIGHT
        first, count = (number >> level * TILE_HEIGHT for number in (start, end - start))
        tile, offset = divmod(first, TILE_WIDTH)
        hashes = self._tile(level, tile)[offset * HASH_BYTES : (offset + count) * HASH_BYTES]
        return _folded([hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)])

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._tiles:
            width = tile_width(level, index, self._size)
            self._tiles[level, index] = self._read(level, index, width)
        return self._tiles[level, index]


def tile_width(level: int, index: int, size: int) -> int:
    """How many hashes the tile has in a tree of `size` leaves, 0 to 256."""
    hashes = size >> level * TILE_HEIGHT
    return max(0, min(TILE_WIDTH, hashes - index * TILE_WIDTH))


def _folded(hashes: list[bytes]) -> bytes:
    """The root above a power of two of hashes."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [node_hash(left, right) for left, right in pairs]
    return hashes[0]


def _joined(hashes: Sequence[bytes]) -> bytes:
    """The root above complete subtrees, largest first: joined from the right."""
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def _complete_spans(span: Span) -> Iterator[Span]:
    """The complete subtrees of a span that starts where a subtree of its size would."""
    start, end = span
    while start < end:
        leaves = 1 << (end - start).bit_length() - 1
        yield start, start + leaves
        start += leaves


def _split(span: Span) -> int:
    """Where the left subtree ends: the largest power of two below the number of leaves."""
    start, end = span
    return start + (1 << (end - start - 1).bit_length() - 1)


def _path(index: int, span: Span) -> list[Span]:
    """PATH of RFC 6962, as the spans to hash."""
    start, end = span
    if end - start == 1:
        return []
    middle = _split(span)
    left, right = (start, middle), (middle, end)
    return [*_path(index, left), right] if index < middle else [*_path(index, right), left]


def _subproof(old: int, span: Span) -> list[Span]:
    """SUBPROOF of RFC 6962, as the spans to hash; the old tree ends at leaf `old`."""
    start, end = span
    if old == end:
        return [span] if start else []
    middle = _split(span)
    left, right = (start, middle), (middle, end)
    if old <= middle:
        return [*_subproof(old, left), right]
    return [*_subproof(old, right), left]
