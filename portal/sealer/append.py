"""Step 1: leaves, full tiles and the unsigned checkpoint over them, in one transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from portal.ledger.chain import leaf_hash
from portal.ledger.edge import Edge, FullTile
from portal.ledger.leaf import leaf_bytes
from portal.ledger.seal_sql import NO_PROJECT
from portal.ledger.stored_tiles import tile_reader
from portal.sealer.find import Connection, here, is_news, new_entries

_LAST = "SELECT size, origin, snapshot, cluster FROM ledger_checkpoint ORDER BY size DESC LIMIT 1"
# The name that was begun last, whether or not a checkpoint carries it yet.
_BEGUN = "SELECT origin FROM ledger_origin ORDER BY number DESC LIMIT 1"
_NUMBERS = f"""
    SELECT project, (SELECT coalesce(max(number), 0) FROM ledger_leaf AS leaf
        WHERE coalesce(leaf.project, '{NO_PROJECT}'::uuid) = asked.project)
    FROM unnest(%s::uuid[]) AS asked (project)
"""  # noqa: S608  (a constant)
_LEAVES = "COPY ledger_leaf (index, entry, project, number, hash) FROM STDIN (FORMAT BINARY)"
_LEAF_TYPES = ("int8", "int8", "uuid", "int8", "bytea")
_TILE = "INSERT INTO ledger_tile (level, index, hashes, root) VALUES (%s, %s, %s, %s)"
_CHECKPOINT = """
    INSERT INTO ledger_checkpoint (size, origin, root, snapshot, cluster)
    VALUES (%s, %s, %s, %s, %s)
"""
_NOBODY = UUID(NO_PROJECT)


class Log:
    """The log on one connection. What it remembers is what it committed: after any failure throw
    it away and make another one, which reads where the log stands."""

    def __init__(self, connection: Connection, origin: str) -> None:
        """`origin` names a log that has no checkpoint yet; one that has keeps its name."""
        self._connection = connection
        self.origin = origin
        self._edge = Edge()
        self._seen: str | None = None
        self._numbers: dict[UUID, int] = {}
        self._catch_up()

    @property
    def size(self) -> int:
        """How many entries are sealed."""
        return self._edge.size

    def append(self, *, compare_all: bool = False) -> int:
        """Seal what is new; how many entries that were.

        With `compare_all` every entry is compared with the leaves, whatever was seen before.
        """
        seen = None if compare_all else self._seen
        if seen and not is_news(self._connection, seen):
            return 0
        before = self.size
        with self._connection.transaction():
            snapshot, cluster = here(self._connection)
            for rows in new_entries(self._connection, seen):
                self._append(rows)
            if self.size > before:
                values = [self.size, self.origin, self._edge.root(), snapshot, cluster]
                self._connection.execute(_CHECKPOINT, values)
        self._seen = snapshot
        return self.size - before

    def _catch_up(self) -> None:
        with self._connection.transaction():
            _snapshot, cluster = here(self._connection)
            last = self._connection.execute(_LAST).fetchone()
            if last is not None:
                size, self.origin, seen, of_cluster = last
                self._seen = seen if of_cluster == cluster else None
                self._edge = Edge.at(size, tile_reader(self._fetch))
            if begun := self._fetch(_BEGUN, []):
                ((self.origin,),) = begun

    def _append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Number, hash and store one batch."""
        self._learn_numbers({project or _NOBODY for _, _, project, _ in rows})
        leaves, tiles = [], []
        for entry, at, project, payload in rows:
            number = self._numbers[project or _NOBODY] = self._numbers[project or _NOBODY] + 1
            hashed = leaf_hash(leaf_bytes(at=at, payload=payload, number=number))
            leaves.append((self.size, entry, project, number, hashed))
            tiles += self._edge.push(hashed)
        self._store(leaves, tiles)

    def _store(self, leaves: list[tuple[Any, ...]], tiles: list[FullTile]) -> None:
        with self._connection.cursor() as cursor:
            with cursor.copy(_LEAVES) as copy:
                copy.set_types(_LEAF_TYPES)
                for leaf in leaves:
                    copy.write_row(leaf)
            if tiles:
                values = [(tile.level, tile.index, tile.hashes, tile.root) for tile in tiles]
                cursor.executemany(_TILE, values)

    def _learn_numbers(self, projects: set[UUID]) -> None:
        if unknown := list(projects - self._numbers.keys()):
            self._numbers.update(self._connection.execute(_NUMBERS, [unknown]).fetchall())

    def _fetch(self, statement: str, values: Sequence[object]) -> Sequence[Sequence[Any]]:
        return self._connection.execute(statement, values).fetchall()
