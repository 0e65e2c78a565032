"""What stands in the files of a bundle, written while it is read."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django.db import connection, transaction

from approvals.audit.bundle.selection import Selection
from approvals.audit.reports import population
from approvals.audit.reports.filters import ReportFilters
from approvals.audit.reports.rows import CHUNK, Row
from approvals.audit.reports.write_text import as_csv
from portal.ledger.leaf import leaf_bytes
from portal.ledger.proofs import BrokenSeal

TOGETHER = 200
# Requests and permits are made a moment before their entries, which are what the bundle goes by.
AROUND = timedelta(hours=1)

Progress = Callable[[int], None]


@dataclass
class Counted:
    """What went into a bundle: entries of each type, requests by decision and by result, all of
    them, receipts, and the ends of the range.

    Ends are leaf index and number, of what the period holds; None where that is nothing.
    """

    types: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    receipts: int = 0
    first: tuple[int, int] | None = None
    last: tuple[int, int] | None = None


class Contents:
    """The files that grow with the period."""

    def __init__(self, selection: Selection, filters: ReportFilters) -> None:
        self.counted = Counted()
        self._selection = selection
        self._filters = filters

    def entries(self, progress: Progress) -> Iterator[bytes]:
        """The leaves as they are hashed, one a line. Raises BrokenSeal where an entry is gone."""
        counted, total, done = self.counted, self._selection.count, 0
        lines: list[bytes] = []
        for index, number, kind, at, payload in self._selection.entries():
            if kind is None:
                raise BrokenSeal(index)
            lines.append(leaf_bytes(at=at, payload=bytes(payload), number=number) + b"\n")
            counted.types[kind] += 1
            place = index if self._selection.project is None else number
            if self._selection.first <= place <= self._selection.last:
                counted.first = counted.first or (index, number)
                counted.last = index, number
            if len(lines) == TOGETHER:
                yield b"".join(lines)
                lines.clear()
                done += TOGETHER
                progress(done)
        yield b"".join(lines)
        if sum(counted.types.values()) != total:
            raise BrokenSeal(total)
        progress(total)

    def population(self) -> Iterator[bytes]:
        """The requests whose first entry is of the period, as the report has them."""
        return as_csv(population.REPORT.names, self._requests())

    def receipts(self) -> Iterator[bytes]:
        """The receipts of the permits of the period, one a line."""
        found = self._selection.receipts(*self._around())
        while some := list(islice(found, TOGETHER)):
            self.counted.receipts += len(some)
            yield "".join(f"{receipt}\n" for receipt in some).encode()

    def _requests(self) -> Generator[Row, None, None]:
        counted, place = self.counted, population.REPORT.names.index
        leaf, decision, result = place("leaf"), place("decision"), place("result")
        if counted.first is None or counted.last is None:
            return
        (first, _), (last, _) = counted.first, counted.last
        values = self._filters.parameters()
        values["since"], values["until"] = self._around()
        with transaction.atomic(), connection.chunked_cursor() as cursor:
            cursor.execute(population.REPORT.statement(), values)
            while rows := cursor.fetchmany(CHUNK):
                for row in rows:
                    if row[leaf] is not None and first <= row[leaf] <= last:
                        counted.rows += 1
                        counted.decisions[row[decision]] += 1
                        counted.results[row[result] or ""] += 1
                        yield row

    def _around(self) -> tuple[datetime, datetime]:
        since, until = self._filters.period
        return since - AROUND, until + AROUND
