"""The walk over a tree leads to its root, whichever leaves are shown, and tells no hash twice."""

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.audit.bundle.tree_walk import tree_walk
from portal.ledger.chain import leaf_hash
from portal.ledger.tree import node_hash, root_of
from tests.interop.copies import reader_of

LEAVES = [leaf_hash(b"%d" % number) for number in range(1300)]


def root_by(lines, shown):
    """The root as README.txt tells to find it."""
    shown, stack = iter(shown), []
    for line in lines:
        word, *rest = line.split()
        if word == b"node":
            put(stack, int(rest[0]), b64decode(rest[1]))
        else:
            for _ in range(int(rest[0])):
                put(stack, 0, next(shown))
    assert next(shown, None) is None
    found = stack.pop()[1]
    while stack:
        found = node_hash(stack.pop()[1], found)
    return found


def put(stack, height, found):
    while stack and stack[-1][0] == height:
        found, height = node_hash(stack.pop()[1], found), height + 1
    stack.append((height, found))


@given(size=st.integers(1, len(LEAVES)), data=st.data())
def test_any_leaves_are_shown_to_be_in_the_tree(size, data):
    shown = sorted(data.draw(st.sets(st.integers(0, size - 1), max_size=30)))
    lines = list(tree_walk(shown, size, reader_of(LEAVES[:size])))
    assert root_by(lines, [LEAVES[index] for index in shown]) == root_of(LEAVES[:size])


@pytest.mark.parametrize(("first", "end"), [(0, 1300), (300, 900), (1299, 1300)])
def test_a_range_needs_no_more_hashes_than_its_two_sides(first, end):
    lines = list(tree_walk(range(first, end), 1300, reader_of(LEAVES)))
    assert len([line for line in lines if line.startswith(b"leaves")]) == 1
    assert len(lines) <= 2 * 11
