"""A month of the ledger as a file: its exact leaves, in the order of the log. Pure.

Lines of a gzip file, `INDEX<tab>ENTRY<tab>LEAF`: its place in the log, its number in the ledger,
and the bytes that were hashed, in which no tab can be. So `zcat FILE | cut -f3` gives the leaves.
Everything else an entry has is in them, or is the database's own.
"""

import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.ledger.chain import MAX_PAYLOAD_BYTES

_LONGEST = MAX_PAYLOAD_BYTES + 200
_LINE = re.compile(rb"([0-9]{1,18})\t([0-9]{1,18})\t([^\t\n]+)\n")
_UNFINISHED = ".part"


class BadArchive(ValueError):
    """The file is not what was sealed, not all of it, or no archive at all."""


@dataclass(frozen=True)
class Line:
    """One entry of the file."""

    index: int
    entry: int
    leaf: bytes


def write_lines(path: Path, lines: Iterable[Line]) -> None:
    """Write a new file that nobody else may read, and be sure that it is on the disk.

    Equal lines give equal bytes. Raises OSError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as file:
            for line in lines:
                file.write(b"%d\t%d\t%s\n" % (line.index, line.entry, line.leaf))
        raw.flush()
        os.fsync(raw.fileno())


def read_lines(path: Path) -> Iterator[Line]:
    """The entries of the file, read as they are taken.

    Raises BadArchive for what is no such file, OSError where it cannot be opened.
    """
    with path.open("rb") as raw:
        try:
            with gzip.GzipFile(fileobj=raw, mode="rb") as file:
                while text := file.readline(_LONGEST):
                    yield _line(text)
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise BadArchive(f"{path.name} is not a whole gzip file: {problem}") from problem


def _line(text: bytes) -> Line:
    found = _LINE.fullmatch(text)
    if found is None:
        raise BadArchive(f"a line is not one of an archive: {text[:60]!r}")
    index, entry, leaf = found.groups()
    return Line(int(index), int(entry), leaf)


def sha256_of(path: Path) -> bytes:
    """The digest of the file as it is. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def unfinished(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(path.name + _UNFINISHED)


def finish(path: Path) -> None:
    """Give a whole file its name, and be sure that the name is on the disk too."""
    unfinished(path).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
