"""A month of entries as a file, and entries out of such a file.

Nothing is believed but the sealed leaves: a file is read back and compared with them before its
month is taken off, and again before it is put back.
"""

import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg import sql
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from portal.ledger.archive_file import (
    BadArchive,
    Line,
    finish,
    read_lines,
    sha256_of,
    unfinished,
    write_lines,
)
from portal.ledger.chain import leaf_hash
from portal.ledger.copies import COPIES, copies_of
from portal.ledger.leaf import leaf_bytes, leaf_parts
from portal.ledger.months import bounds_of, month_at, name_of
from portal.ledger.partitions import table_of

Connection = psycopg.Connection[Any]

TOGETHER = 1000
BEFORE_ALL = "0"  # no transaction has this number: the sealer does not take such entries for new
_ENTRIES = """
    SELECT leaf.index, leaf.number, entry.id, entry.at, entry.payload, entry.event_id::text,
           entry.type, entry.project::text, entry.request::text, entry.outcome, entry.actor_ref
    FROM {table} AS entry JOIN ledger_leaf AS leaf ON leaf.entry = entry.id ORDER BY leaf.index
"""
_SEALED = "SELECT index, entry, hash FROM ledger_leaf WHERE index = ANY(%s::bigint[])"
_ADD = """
    INSERT INTO ledger_archive (month, file, sha256, entries, leaves) VALUES (%s, %s, %s, %s, %s)
"""


@dataclass
class Contents:
    """What a file holds: how many entries, and their places in the log as [first, end)."""

    entries: int = 0
    leaves: list[tuple[int, int]] = field(default_factory=list)

    def add(self, index: int) -> None:
        """One more entry, behind all others."""
        self.entries += 1
        if self.leaves and self.leaves[-1][1] == index:
            self.leaves[-1] = (self.leaves[-1][0], index + 1)
        else:
            self.leaves.append((index, index + 1))

    @property
    def end(self) -> int:
        """The size a log must have to cover all of them."""
        return self.leaves[-1][1] if self.leaves else 0


def file_of(month: date) -> str:
    """What the file of a month is called."""
    return f"ledger-{name_of(month)}.tsv.gz"


def write_month(connection: Connection, month: date, path: Path, note: str) -> Contents:
    """Write the month's file and what describes it, unless it is there; what it holds, verified.

    `note` is a signed checkpoint that covers the month. A file gets its name when it was read back
    and is what was sealed. Raises BadArchive, OSError.
    """
    if path.exists():
        return contents_of(connection, month, path)
    new = unfinished(path)
    with closing(_lines(connection, month)) as lines:
        write_lines(new, lines)
    contents = contents_of(connection, month, new)
    _describe(path, month, contents, note)
    finish(path)
    return contents


def contents_of(connection: Connection, month: date, path: Path) -> Contents:
    """Read a whole file and compare it with the sealed leaves. Raises BadArchive, OSError."""
    found = Contents()
    for line in sealed_lines(connection, month, path):
        found.add(line.index)
    return found


def sealed_lines(connection: Connection, month: date, path: Path) -> Iterator[Line]:
    """The entries of a file, each after it was compared with its leaf. Raises BadArchive."""
    begin, end = bounds_of(month)
    last = -1
    lines = read_lines(path)
    while some := list(islice(lines, TOGETHER)):
        rows = connection.execute(_SEALED, [[line.index for line in some]]).fetchall()
        sealed = {index: (entry, bytes(hashed)) for index, entry, hashed in rows}
        for line in some:
            if line.index <= last:
                raise BadArchive(f"leaf {line.index} follows leaf {last}")
            if sealed.get(line.index) != (line.entry, leaf_hash(line.leaf)):
                raise BadArchive(f"entry {line.entry} (leaf {line.index}) is not what was sealed")
            if not begin <= leaf_parts(line.leaf)[0] < end:
                raise BadArchive(f"entry {line.entry} is of another month")
            last = line.index
            yield line


def month_of(path: Path) -> date:
    """The month that the first entry of a file is of. Raises BadArchive, OSError."""
    for line in read_lines(path):
        try:
            return month_at(leaf_parts(line.leaf)[0])
        except ValueError as problem:
            raise BadArchive(f"{path.name} does not begin with an entry") from problem
    raise BadArchive(f"{path.name} is empty")


def rows_of(lines: Iterable[Line]) -> Iterator[tuple[Any, ...]]:
    """Entries as `portal.ledger.partitions.COLUMNS`.

    The number of the transaction that wrote one means nothing in another cluster, and is left out.
    """
    for line in lines:
        at, payload, _number = leaf_parts(line.leaf)
        event, kind, project, request, outcome, actor = copies_of(orjson.loads(payload))
        yield (
            line.entry, event, at, project, request, kind, actor, outcome, payload, BEFORE_ALL,
        )  # fmt: skip


def note_archived(connection: Connection, month: date, path: Path, contents: Contents) -> None:
    """Add to the table of archives that this month is in this file."""
    leaves = Multirange([Range(first, end) for first, end in contents.leaves])
    values = [month, path.name, sha256_of(path), contents.entries, leaves]
    connection.execute(_ADD, values)


def _lines(connection: Connection, month: date) -> Generator[Line, None, None]:
    """The sealed entries of a month's table in the order of the log.

    Raises BadArchive where a column says something else than the payload it is a copy of: the file
    has the payload alone.
    """
    statement = sql.SQL(_ENTRIES).format(table=sql.Identifier(table_of(month)))
    with connection.transaction(), connection.cursor("archive", binary=True) as cursor:
        cursor.itersize = TOGETHER
        for index, number, entry, at, payload, *columns in cursor.execute(statement):
            said = copies_of(orjson.loads(payload))
            if columns != said:
                wrong = [name for name, a, b in zip(COPIES, columns, said, strict=True) if a != b]
                raise BadArchive(f"entry {entry} is not what was sealed ({', '.join(wrong)})")
            yield Line(index, entry, leaf_bytes(at=at, payload=payload, number=number))


def _describe(path: Path, month: date, contents: Contents, note: str) -> None:
    """What somebody needs to know of the file without the database, beside it."""
    said = {
        "month": name_of(month),
        "file": path.name,
        "sha256": sha256_of(unfinished(path)).hex(),
        "entries": contents.entries,
        "leaves": [{"first": first, "last": end - 1} for first, end in contents.leaves],
        "checkpoint": note,
    }
    beside = path.with_name(path.name.removesuffix(".tsv.gz") + ".json")
    unfinished(beside).write_text(json.dumps(said, indent=2) + "\n")
    finish(beside)
