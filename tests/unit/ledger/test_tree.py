"""The Merkle tree, against RFC 6962 written down as it stands there and the vectors of others."""

from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ledger.chain import leaf_hash
from portal.ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency,
    inclusion,
    root,
    root_of,
    tile_width,
    verify_consistency,
    verify_inclusion,
)

MOST = 600
LEAVES = [leaf_hash(b"entry %d" % index) for index in range(70_000)]
EDGES = {*range(40), 127, 128, 129, 255, 256, 257, 258, 511, 512, 513, MOST}
SIZES = [
    size if size in EDGES else pytest.param(size, marks=pytest.mark.long)
    for size in range(MOST + 1)
]

# Inputs and roots that implementations of Certificate Transparency share.
VECTORS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
VECTORS += ["606162636465666768696a6b6c6d6e6f"]
VECTOR_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@cache
def mth(start, end):
    """MTH of RFC 6962 section 2.1 over leaves start to end."""
    if end - start == 1:
        return LEAVES[start]
    k = _k(end - start)
    return sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def path(m, start, end):
    """PATH(m, D[start:end]) of section 2.1.1; m counts from start, as there."""
    n = end - start
    if n == 1:
        return []
    k = _k(n)
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m, start, end, b):
    """SUBPROOF(m, D[start:end], b) of section 2.1.2."""
    n = end - start
    if m == n:
        return [] if b else [mth(start, end)]
    k = _k(n)
    if m <= k:
        return [*subproof(m, start, start + k, b), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, False), mth(start, start + k)]


def _k(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def read(level, index, width):
    """Tiles by their definition."""
    assert 0 < width <= 256
    step = 256**level
    numbers = range(256 * index, 256 * index + width)
    return b"".join(mth(number * step, (number + 1) * step) for number in numbers)


def reads_of(size):
    """A reader of what a tree of `size` has, and the list of what it was asked for."""
    asked = []

    def reader(level, index, width):
        assert width == tile_width(level, index, size)
        asked.append((level, index))
        return read(level, index, width)

    return reader, asked


def test_roots_are_those_other_implementations_find():
    hashes = [leaf_hash(bytes.fromhex(data)) for data in VECTORS]
    assert [root_of(hashes[:size]).hex() for size in range(9)] == VECTOR_ROOTS


def test_the_root_of_each_size_is_the_one_of_the_rfc():
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT == root(0, read)
    for size in range(1, MOST + 1):
        frontier.push(LEAVES[size - 1])
        assert frontier.size == size
        assert frontier.root() == mth(0, size) == root(size, read)


@pytest.mark.parametrize("size", SIZES)
def test_each_proof_of_inclusion_is_the_one_of_the_rfc_and_is_accepted(size):
    for index in range(size):
        proof = inclusion(index, size, read)
        assert proof == path(index, 0, size)
        assert verify_inclusion(LEAVES[index], index, size, proof, mth(0, size))


@pytest.mark.parametrize("new", SIZES)
def test_each_proof_of_consistency_is_the_one_of_the_rfc_and_is_accepted(new):
    new_root = mth(0, new) if new else EMPTY_ROOT
    for old in range(new + 1):
        proof = consistency(old, new, read)
        assert proof == (subproof(old, 0, new, True) if old else [])
        old_root = mth(0, old) if old else EMPTY_ROOT
        assert verify_consistency(old, new, old_root, new_root, proof)


@given(st.data())
def test_a_proof_holds_for_nothing_but_what_it_proves(data):
    size = data.draw(st.integers(1, MOST))
    index = data.draw(st.integers(0, size - 1))
    proof = path(index, 0, size)
    truth = (LEAVES[index], index, proof, mth(0, size))
    leaf, position, claimed, top = other = (
        data.draw(st.sampled_from([LEAVES[index], LEAVES[size]])),
        data.draw(st.just(index) | st.integers(-1, size)),
        data.draw(st.sampled_from(_damaged(proof))),
        data.draw(st.sampled_from([mth(0, size), mth(0, size + 1)])),
    )
    assert verify_inclusion(leaf, position, size, claimed, top) == (other == truth)


@given(st.data())
def test_a_tree_is_consistent_with_no_other_past(data):
    new = data.draw(st.integers(2, MOST))
    old = data.draw(st.integers(1, new - 1))
    proof = subproof(old, 0, new, True)
    assert verify_consistency(old, new, mth(0, old), mth(0, new), proof)
    for damaged in _damaged(proof)[1:]:
        assert not verify_consistency(old, new, mth(0, old), mth(0, new), damaged)
    assert not verify_consistency(old, new, mth(0, old + 1), mth(0, new), proof)
    assert not verify_consistency(old, new, mth(0, old), mth(0, new + 1), proof)
    assert not verify_consistency(new, old, mth(0, new), mth(0, old), proof)


def _damaged(proof):
    """The proof, then each way to damage it."""
    flipped = [bytes([first[0] ^ 1]) + first[1:] for first in proof[:1]] + proof[1:]
    damaged = [proof, [*proof, LEAVES[-1]], proof[:-1], flipped, list(reversed(proof))]
    return [proof, *(one for one in damaged if one != proof)]


@given(st.integers(0, MOST), st.integers(0, MOST))
def test_a_frontier_goes_on_where_tiles_end(size, more):
    reader, _asked = reads_of(size)
    frontier = Frontier.at(size, reader)
    for leaf in LEAVES[size : size + more]:
        frontier.push(leaf)
    assert frontier.root() == (mth(0, size + more) if size + more else EMPTY_ROOT)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 66_000])
def test_proofs_across_three_levels_read_each_tile_once_and_few(size):
    reader, asked = reads_of(size)
    proof = inclusion(300, size, reader)
    assert verify_inclusion(LEAVES[300], 300, size, proof, mth(0, size))
    assert len(asked) == len(set(asked)) <= 2 * 3
    proof = consistency(300, size, reads_of(size)[0])
    assert verify_consistency(300, size, mth(0, 300), mth(0, size), proof)


def test_a_frontier_keeps_few_hashes():
    frontier = Frontier()
    for leaf in LEAVES[:65_535]:
        frontier.push(leaf)
    assert len(frontier._hashes) == 16
    assert frontier.root() == mth(0, 65_535)


@pytest.mark.parametrize(
    "impossible",
    [
        lambda: inclusion(5, 5, read),
        lambda: inclusion(-1, 5, read),
        lambda: consistency(6, 5, read),
        lambda: Frontier(3, LEAVES[:1]),
    ],
)
def test_what_no_tree_has_is_refused(impossible):
    with pytest.raises(ValueError, match="tree"):
        impossible()
