"""Addresses of tiles and entry bundles, as C2SP tlog-tiles writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ledger.tile_paths import BadTile, Tile, bundled, path_of, tile_of, unbundled

tiles = st.builds(
    Tile,
    st.none() | st.integers(0, 63),
    st.integers(0, 2**56),
    st.integers(1, 256),
)


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/000", Tile(0, 0)),
        ("tile/0/x001/x234/067", Tile(0, 1234067)),
        ("tile/3/x001/000.p/1", Tile(3, 1000, 1)),
        ("tile/entries/999.p/255", Tile(None, 999, 255)),
        ("tile/63/000", Tile(63, 0)),
    ],
)
def test_a_tile_has_one_address(path, tile):
    assert path_of(tile) == path
    assert tile_of(path) == tile


@given(tiles)
def test_each_tile_is_found_at_its_address(tile):
    assert tile_of(path_of(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/",
        "tile/entries",
        "tile/data/000",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/٠٠٠",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_anything_else_is_no_address(path):
    with pytest.raises(BadTile):
        tile_of(path)


def test_a_line_end_is_no_part_of_an_address():
    with pytest.raises(BadTile):
        tile_of("tile/0/000\n")


def test_a_bundle_is_entries_behind_their_lengths():
    assert bundled([b"ab", b"", b"c"]) == b"\x00\x02ab\x00\x00\x00\x01c"


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_gives_its_entries_back(entries):
    assert list(unbundled(bundled(entries))) == entries


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01a\x00"])
def test_a_bundle_cut_short_is_refused(data):
    with pytest.raises(BadTile):
        list(unbundled(data))


def test_an_entry_too_long_for_its_length_is_refused():
    with pytest.raises(OverflowError):
        bundled([bytes(65_536)])
