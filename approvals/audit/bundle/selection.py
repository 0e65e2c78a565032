"""Which entries are in a bundle, and reading them as they are written out.

Entries of one project are told by their numbers, which count them without a gap; those of the
whole portal by their leaves. Either way a bundle is one range, closed by its own export. The entry
before the period and the one after it are there too: their times show that none was left out.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from approvals.audit.bundle.closing import Closing
from portal.ledger.seal_sql import NO_PROJECT

CHUNK = 1_000

_OF_PROJECT = f"coalesce(leaf.project, '{NO_PROJECT}'::uuid) = %(project)s AND leaf.number"
_OF_ALL = "leaf.index"
_ENDS = """
    SELECT min({place}), max({place})
    FROM ledger_entry AS entry JOIN ledger_leaf AS leaf ON leaf.entry = entry.id
    WHERE entry.at >= %(since)s AND entry.at < %(until)s AND {within}
"""
_NEXT = """
    SELECT min({place})
    FROM ledger_entry AS entry JOIN ledger_leaf AS leaf ON leaf.entry = entry.id
    WHERE entry.at >= %(until)s AND {within}
"""
# LIMIT: each entry is looked up by its id, and none is sorted; statistics of a growing table are
# always behind, and with them the planner would read the whole ledger first.
_ENTRIES = """
    SELECT leaf.index, leaf.number, entry.type, entry.at, entry.payload
    FROM ledger_leaf AS leaf LEFT JOIN LATERAL
        (SELECT type, at, payload FROM ledger_entry WHERE id = leaf.entry LIMIT 1) AS entry ON true
    WHERE {within} ORDER BY {place}
"""
_INDEXES = "SELECT leaf.index FROM ledger_leaf AS leaf WHERE {within} ORDER BY {place}"
_RECEIPTS = """
    SELECT permit.receipt::text FROM approvals_permit AS permit CROSS JOIN LATERAL
        (SELECT id FROM ledger_entry
         WHERE request = permit.request_id AND type = 'permit.issued' LIMIT 1) AS entry
    JOIN ledger_leaf AS leaf ON leaf.entry = entry.id
    WHERE permit.issued_at >= %(since)s AND permit.issued_at < %(until)s AND {within}
    ORDER BY permit.id
"""
_IS_THERE = """
    SELECT EXISTS (SELECT FROM ledger_entry WHERE id = leaf.entry)
    FROM ledger_leaf AS leaf WHERE {within}
"""
_OLDEST_MONTH = """
    SELECT min(to_date(right(child.relname, 7), 'YYYY_MM'))::timestamp AT TIME ZONE 'UTC'
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'ledger_entry'::regclass AND child.relname ~ '_[0-9]{4}_[0-9]{2}$'
"""


@dataclass(frozen=True)
class Selection:
    """Entries `first` to `last` of the period, none where `last` is smaller, from `start` on, up to
    the one behind `last`; and the one at `closing`.

    Places are numbers of the entries of `project`, or leaves of the log where that is None.
    """

    project: UUID | None
    start: int
    first: int
    last: int
    closing: int

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The same as places from and to, both included."""
        end = min(self.last + 1, self.closing)
        if self.closing - end <= 1:
            return [(self.start, self.closing)]
        return [(self.start, end), (self.closing, self.closing)]

    @property
    def count(self) -> int:
        """How many entries that are."""
        return sum(last - first + 1 for first, last in self.ranges)

    def entries(self) -> Generator[tuple[int, int, str | None, datetime, bytes], None, None]:
        """Leaf index, number, type, time and payload; type None where the entry is gone."""
        return self._rows(_ENTRIES, self.ranges)

    def indexes(self) -> Generator[int, None, None]:
        """The leaves, in their order."""
        if self.project is None:
            for first, last in self.ranges:
                yield from range(first, last + 1)
        else:
            for (index,) in self._rows(_INDEXES, self.ranges):
                yield index

    def receipts(self, since: datetime, until: datetime) -> Generator[str, None, None]:
        """The receipts of permits, issued from `since` to before `until` by an entry of the period,
        as JSON."""
        for (receipt,) in self._rows(
            _RECEIPTS, [(self.first, self.last)], since=since, until=until
        ):
            yield receipt

    def _rows(
        self, statement: str, ranges: list[tuple[int, int]], **more: Any
    ) -> Generator[Any, None, None]:
        for first, last in ranges:
            asked, values = _asked(statement, self.project, first, last)
            with transaction.atomic(), connection.chunked_cursor() as cursor:
                cursor.execute(asked, values | more)
                while rows := cursor.fetchmany(CHUNK):
                    yield from rows


def select(project: UUID | None, since: datetime, until: datetime, closing: Closing) -> Selection:
    """The entries from `since` to before `until` up to the one that closes the range."""
    place = closing.index if project is None else closing.number
    period = {"since": since, "until": until}
    statement, values = _asked(_ENDS, project, 0, place)
    ((first, last),) = _fetch(statement, values | period)
    if first is None:
        statement, values = _asked(_NEXT, project, 0, place)
        ((following,),) = _fetch(statement, values | period)
        first = place if following is None else following
        last = first - 1
    start = first - 1 if _is_there(project, first - 1) else first
    return Selection(project, start, first, last, place)


def archived_until(project: UUID | None, since: datetime) -> datetime | None:
    """The moment before which entries are in the archive, where that is later than `since`."""
    ((oldest,),) = _fetch(_OLDEST_MONTH, {})
    gone = _is_there(project, 0 if project is None else 1) is False
    return oldest if gone and oldest and since < oldest else None


def _is_there(project: UUID | None, place: int) -> bool | None:
    """Whether the entry of a leaf is in the ledger, not in the archive; None: there is no leaf."""
    rows = _fetch(*_asked(_IS_THERE, project, place, place))
    return bool(rows[0][0]) if rows else None


def _asked(
    statement: str, project: UUID | None, first: int, last: int
) -> tuple[str, dict[str, Any]]:
    """A statement about one range, with its values."""
    place, column = ("leaf.index", _OF_ALL) if project is None else ("leaf.number", _OF_PROJECT)
    within = f"{column} BETWEEN %(first)s AND %(last)s"
    values = {"project": project, "first": first, "last": last}
    return statement.format(place=place, within=within), values


def _fetch(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
