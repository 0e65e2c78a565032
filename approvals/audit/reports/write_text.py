"""A report as CSV and as JSON Lines, written while it is read."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import orjson

from approvals.audit.reports.rows import Row
from portal.kernel.cells import harmless

TOGETHER = 500


def as_csv(names: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """A line of names, then one for each row (RFC 4180, UTF-8)."""
    yield _lines([names])
    for some in _batches(rows):
        yield _lines([harmless(value) for value in row] for row in some)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while some := list(islice(left, TOGETHER)):
        yield some


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def as_json_lines(names: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """One object for each row, values as they are."""
    for some in _batches(rows):
        yield b"".join(orjson.dumps(dict(zip(names, row, strict=True))) + b"\n" for row in some)
