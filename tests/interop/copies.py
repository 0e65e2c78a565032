"""Copies of a log as somebody outside holds them, and Go's judgement of them."""

import json
import subprocess
from base64 import b64encode
from functools import cache
from pathlib import Path

from portal.ledger import tile_paths, tree
from tests.go import go_program

SECONDS = 60


def go_judges(*copies):
    """What golang.org/x/mod/sumdb says of each copy: `accepted`, or `refused:` and why."""
    program = go_program(Path(__file__).with_name("verify.go"), "golang-golang-x-mod-dev")
    asked = "\n".join(json.dumps(copy, default=_base64) for copy in copies)
    done = subprocess.run(
        [program], input=asked, capture_output=True, text=True, timeout=SECONDS, check=True
    )
    return done.stdout.splitlines()


def copy_of(size, read, entries, **signed):
    """A whole copy of the first `size` entries; `signed` has Origin, Keys, Checkpoint, Earlier.

    `entries` are the bytes of the leaves, `read` reads tiles. `EarlierSize` is that of Earlier.
    """
    earlier = signed.pop("EarlierSize", 0)
    return {
        **signed,
        "Consistency": tree.consistency(earlier, size, read) if earlier else [],
        "Entries": [
            {"Leaf": leaf, "Proof": tree.inclusion(index, size, read)}
            for index, leaf in enumerate(entries)
        ],
        "Tiles": dict(_tiles(size, read)),
    }


def _tiles(size, read):
    for level in range(64 // tree.TILE_HEIGHT):
        for index in range((size >> tree.TILE_HEIGHT * level) // tree.TILE_WIDTH + 1):
            if width := tree.tile_width(level, index, size):
                path = tile_paths.path_of(tile_paths.Tile(level, index, width))
                yield path, read(level, index, width)


def reader_of(hashes):
    """Tiles over these leaf hashes, as tree.Read."""

    @cache
    def read(level, index, width):
        first = index * tree.TILE_WIDTH
        if level == 0:
            return b"".join(hashes[first : first + width])
        below = (read(level - 1, first + number, tree.TILE_WIDTH) for number in range(width))
        return b"".join(map(_root_of_tile, below))

    return read


def _root_of_tile(tile):
    return tree.root_of(tile[at : at + 32] for at in range(0, len(tile), 32))


def _base64(data):
    return b64encode(data).decode()
