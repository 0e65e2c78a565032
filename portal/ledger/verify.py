"""Verification of the whole log from the database: nothing stored is believed.

Every leaf is made again from its entry, every tile and root from the leaves, every signature is
checked; columns are compared with the payload they are copies of, times with the transactions that
wrote them. Entries stream in the order of their ids and leaves in theirs, so memory does not grow
with the ledger. Of months that are archived the leaves are taken as they stand, which the roots
bind, or made again from the files.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
import psycopg

from portal.ledger.archived import archived_months
from portal.ledger.chain import leaf_hash
from portal.ledger.copies import COPIES, copies_of
from portal.ledger.edge import Edge, FullTile
from portal.ledger.entry_times import EntryTimes
from portal.ledger.histories import Histories
from portal.ledger.leaf import leaf_bytes
from portal.ledger.note import BadNote, Checkpoint, Key, key_of, opened
from portal.ledger.origins import continued
from portal.ledger.verify_archives import Archives, FileOf

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]
Progress = Callable[[int, int], None]
Passed = tuple[Checkpoint, list[Any], list[Row]]  # with its moment, and its keys and notes

MOST_FINDINGS = 100
MOST_HELD = 500  # entries that were read before their leaf: their transactions ended late
EVERY = 5000
FETCHED = 1000

_ENTRY = """SELECT id, at, xid, payload, event_id::text, type, project::text, request::text,
                   outcome, actor_ref FROM ledger_entry"""
_ENTRIES = f"{_ENTRY} ORDER BY id"
_ONE = f"{_ENTRY} WHERE id = %s"
_BEFORE = """SELECT payload FROM ledger_entry WHERE request = %s::uuid AND id < %s
             ORDER BY id DESC LIMIT 20"""
_LEAVES = "SELECT index, entry, project::text, number, hash FROM ledger_leaf ORDER BY index"
_CHECKPOINTS = """
    SELECT checkpoint.size, origin, root, coalesce(extension, ''),
           checkpoint.at, snapshot, cluster, key, note
    FROM ledger_checkpoint AS checkpoint LEFT JOIN ledger_origin USING (origin)
    LEFT JOIN ledger_signature AS signature USING (size) ORDER BY checkpoint.size, key
"""
_TILE = "SELECT hashes, root FROM ledger_tile WHERE level = %s AND index = %s"
_TOTALS = """
    SELECT (SELECT coalesce(max(index) + 1, 0) FROM ledger_leaf),
           (SELECT coalesce(max(size), 0) FROM ledger_signature),
           (SELECT count(*) FROM ledger_tile)
"""
_UNSEALED = """
    SELECT id, xid, (SELECT system_identifier::text FROM pg_control_system())
    FROM ledger_entry AS entry
    WHERE NOT EXISTS (SELECT FROM ledger_leaf AS leaf WHERE leaf.entry = entry.id)
"""


@dataclass
class Verified:
    """What was looked at, and in plain words what is wrong; no findings: all of it holds.

    `archived` entries, of `months`, are not in the database.
    """

    size: int = 0
    signed_size: int = 0
    checkpoints: int = 0
    unsealed: int = 0
    archived: int = 0
    months: list[str] = field(default_factory=list)
    last: Checkpoint | None = None
    findings: list[str] = field(default_factory=list)
    more: int = 0

    def found(self, sentence: str) -> None:
        """Keep a finding; beyond the first hundred they are only counted."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(sentence)
        else:
            self.more += 1


def known_keys(connection: Connection) -> list[str]:
    """The keys that the database says have signed, the oldest first, as name+id+key."""
    rows = connection.execute("SELECT vkey FROM ledger_key ORDER BY at").fetchall()
    return [vkey for (vkey,) in rows]


def verify_log(
    connection: Connection,
    vkeys: Sequence[str],
    progress: Progress = lambda done, total: None,
    file_of: FileOf = lambda month: None,
) -> Verified:
    """Look at everything as it is at one moment; `vkeys` are the keys that may sign.

    `file_of` gives the file of an archived month where it is to be read too.

    `connection` must be outside a transaction and is only read from. Raises BadNote for a key that
    is none.
    """
    keys = [key_of(vkey) for vkey in vkeys]
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction():
        return _Verification(connection, keys, progress, file_of).run()


class _Verification:
    """One passage over the log."""

    def __init__(
        self, connection: Connection, keys: list[Key], progress: Progress, file_of: FileOf
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._progress = progress
        self._entries = _Entries(connection)
        self._edge = Edge()
        self._tiles = 0
        self._numbers: Counter[str | None] = Counter()
        self._times = EntryTimes()
        self._histories = Histories(self._before)
        self._broken = False  # the first root that does not fit says all: later ones cannot fit
        self.result = Verified()
        months = archived_months(lambda *asked: connection.execute(*asked).fetchall())
        self._archives = Archives(months, self.result.found, file_of)

    def run(self) -> Verified:
        result = self.result
        size, result.signed_size, tiles = self._row(_TOTALS)
        checkpoints = self._checkpoints()
        following = next(checkpoints, None)
        for leaf in _stream(self._connection, "leaves", _LEAVES):
            self._leaf(*leaf)
            while following and following[0].size <= self._edge.size:
                self._checkpoint(*following)
                following = next(checkpoints, None)
            if self._edge.size % EVERY == 0:
                self._progress(self._edge.size, size)
        self._ends(following, tiles)
        self._archives.end()
        result.archived, result.months = self._archives.entries, self._archives.months
        result.size = self._edge.size
        self._unsealed()
        self._progress(size, size)
        return result

    def _leaf(
        self, index: int, entry: int, project: str | None, number: int, hashed: bytes
    ) -> None:
        found = self.result.found
        if index != self._edge.size:
            found(
                f"Leaf {index} follows leaf {self._edge.size - 1}: leaves were taken out or added."
            )
        self._numbers[project] += 1
        if number != self._numbers[project]:
            place = f"project {project}" if project else "the entries of no project"
            found(f"Leaf {index} has number {number} of {place}, not {self._numbers[project]}.")
            self._numbers[project] = number
        if self._archives.has(index, entry, hashed):
            self._histories.gaps = True
        else:
            self._entry(index, entry, project, number, hashed)
        for tile in self._edge.push(hashed):
            self._tile(tile)

    def _entry(
        self, index: int, entry: int, project: str | None, number: int, hashed: bytes
    ) -> None:
        found, row = self.result.found, self._entries.take(entry)
        if row is None:
            self._histories.gaps = True
            found(f"Entry {entry} (leaf {index}) is missing.")
        elif leaf_hash(leaf_bytes(at=row[1], payload=row[3], number=number)) != hashed:
            found(f"Entry {entry} (leaf {index}) is not what was sealed: time or content changed.")
        else:
            said = self._columns(row, project)
            if not self._histories.follows(entry, said, row[3]):
                found(f"Entry {entry} (leaf {index}) does not follow what its request had before.")
            if self._times.is_older(row[1], row[2]):
                found(f"Entry {entry} (leaf {index}) was put in later than its time says.")

    def _columns(self, row: Row, project: str | None) -> dict[str, Any]:
        """What the payload says. Queries read the columns, so they must say what it says."""
        entry, _at, _xid, payload, *columns = row
        said: dict[str, Any] = orjson.loads(payload)
        names = [
            name for name, a, b in zip(COPIES, columns, copies_of(said), strict=True) if a != b
        ]
        if names or project != columns[COPIES.index("project")]:
            what = ", ".join(names) or "project of the leaf"
            self.result.found(f"Entry {entry}: columns differ from what was sealed ({what}).")
        return said

    def _before(self, request: str, entry: int) -> list[bytes]:
        rows = self._connection.execute(_BEFORE, [request, entry], binary=True).fetchall()
        return [payload for (payload,) in rows]

    def _tile(self, tile: FullTile) -> None:
        self._tiles += 1
        stored = self._connection.execute(_TILE, [tile.level, tile.index], binary=True).fetchone()
        if stored != (tile.hashes, tile.root):
            what = "differs from its leaves" if stored else "is missing"
            self.result.found(f"Tile {tile.level}/{tile.index} {what}.")

    def _unsealed(self) -> None:
        """Count what waits for the sealer; what the last checkpoint passed over does not wait."""
        for entry, xid, cluster in _stream(self._connection, "unsealed", _UNSEALED):
            self.result.unsealed += 1
            if self._times.was_there(xid, cluster):
                self.result.found(f"Entry {entry} was put in past the sealer, or is kept from it.")

    def _checkpoints(self) -> Iterator[Passed]:
        rows = _stream(self._connection, "checkpoints", _CHECKPOINTS)
        for _size, group in groupby(rows, key=itemgetter(0)):
            signatures = list(group)
            size, origin, root, extension, *moment = signatures[0][:7]
            notes = [row[7:] for row in signatures if row[8]]
            yield Checkpoint(origin, size, root, extension), moment, notes

    def _checkpoint(self, checkpoint: Checkpoint, moment: list[Any], signatures: list[Row]) -> None:
        found, last, size = self.result.found, self.result.last, checkpoint.size
        self._times.checkpoint(*moment)
        self.result.checkpoints += 1
        self.result.last = checkpoint
        if last is not None and not _goes_on(last, checkpoint):
            found(f"The checkpoint of size {size} is of another log: {checkpoint.origin}.")
        fits = size == self._edge.size and checkpoint.root == self._edge.root()
        if not fits and not self._broken:
            found(f"The checkpoint of size {size} does not fit the leaves: the log was rewritten.")
            self._broken = True
        if not signatures:
            if size <= self.result.signed_size:
                found(f"The checkpoint of size {size} has no signature.")
            return
        try:
            signed = [opened(note, self._keys) for _key, note in signatures
                      if any(key.vkey == _key for key in self._keys)]  # fmt: skip
        except BadNote as problem:
            found(f"The note of the checkpoint of size {size} is not valid: {problem}.")
            return
        if not signed:
            found(f"The checkpoint of size {size} is signed by none of the keys given.")
        elif any(one != checkpoint for one in signed):
            found(f"The note of the checkpoint of size {size} says something else than its row.")

    def _ends(self, following: Passed | None, tiles: int) -> None:
        """What stands behind the end of the log."""
        found, last = self.result.found, self.result.last
        if following is not None:
            found(f"A checkpoint covers {following[0].size} entries; {self._edge.size} are there.")
        elif self._edge.size > (last.size if last else 0):
            found("There are leaves behind the last checkpoint.")
        if tiles != self._tiles:
            found(f"{tiles} full tiles are stored; the leaves make {self._tiles}.")

    def _row(self, statement: str) -> Row:
        row = self._connection.execute(statement).fetchone()
        assert row is not None  # noqa: S101  (one row always)
        return row  # type: ignore[no-any-return]


class _Entries:
    """Entries by id, read in one passage; asked for in almost the same order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = _stream(connection, "entries", _ENTRIES)
        self._held: dict[int, Row] = {}
        self._at = 0

    def take(self, entry: int) -> Row | None:
        """The entry, or None where the ledger has none of this id."""
        if entry in self._held:
            return self._held.pop(entry)
        while self._at < entry and (row := next(self._rows, None)):
            self._at = row[0]
            if self._at == entry:
                return row
            self._held[self._at] = row
            if len(self._held) > MOST_HELD:
                del self._held[next(iter(self._held))]
        return self._connection.execute(_ONE, [entry], binary=True).fetchone()


def _goes_on(last: Checkpoint, checkpoint: Checkpoint) -> bool:
    """Whether both are of one log, or the later one is of a log that names the earlier one."""
    before = continued(checkpoint.extension)
    return checkpoint.origin == last.origin or (before is not None and before.origin == last.origin)


def _stream(connection: Connection, name: str, statement: str) -> Iterator[Row]:
    with connection.cursor(name, binary=True) as cursor:
        cursor.itersize = FETCHED
        cursor.execute(statement)
        yield from cursor
