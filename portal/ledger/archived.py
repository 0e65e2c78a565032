"""Which months stand in files only, and which of them has a leaf. Knows no Django."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portal.ledger.months import name_of
from portal.ledger.stored_tiles import Fetch

_ARCHIVED = "SELECT month, at, file, sha256, entries, leaves FROM ledger_archived ORDER BY month"


@dataclass(frozen=True)
class ArchivedMonth:
    """A month that is not online, as of `at`; `leaves` are [first, end) of places in the log."""

    month: date
    at: datetime
    file: str
    sha256: bytes
    entries: int
    leaves: tuple[tuple[int, int], ...]

    @property
    def name(self) -> str:
        """As people and commands write it."""
        return name_of(self.month)


def archived_months(fetch: Fetch) -> list[ArchivedMonth]:
    """All of them, the oldest first."""
    return [
        ArchivedMonth(month, at, file, bytes(sha256), entries,
                      tuple((one.lower, one.upper) for one in leaves))
        for month, at, file, sha256, entries, leaves in fetch(_ARCHIVED, [])
    ]  # fmt: skip


class Places:
    """Finds the month that has a leaf among months."""

    def __init__(self, months: Sequence[ArchivedMonth]) -> None:
        self._ranges = sorted(
            (first, end, number)
            for number, month in enumerate(months)
            for first, end in month.leaves
        )
        self._firsts = [first for first, _end, _number in self._ranges]
        self._months = months

    def month_of(self, leaf: int) -> ArchivedMonth | None:
        """The month with this leaf; None where it is in none of them."""
        at = bisect_right(self._firsts, leaf) - 1
        if at < 0 or leaf >= self._ranges[at][1]:
            return None
        return self._months[self._ranges[at][2]]
