"""The part of a verification that is about months in files: are they what was sealed?"""

from collections.abc import Callable, Sequence
from pathlib import Path

from portal.ledger.archive_file import BadArchive, Line, read_lines
from portal.ledger.archived import ArchivedMonth, Places
from portal.ledger.chain import leaf_hash

Found = Callable[[str], None]
FileOf = Callable[[ArchivedMonth], Path | None]


class Archives:
    """Files are read beside the leaves, in the order of both; `file_of` says which, or None."""

    def __init__(self, months: Sequence[ArchivedMonth], found: Found, file_of: FileOf) -> None:
        self.entries = 0
        self.months = [month.name for month in months]
        self._places = Places(months)
        self._found = found
        self._files = {month.name: read_lines(path) for month in months if (path := file_of(month))}
        self._wrong: set[str] = set()

    def has(self, index: int, entry: int, hashed: bytes) -> bool:
        """Whether this leaf is archived; what is wrong with its file is found on the way.

        A file is looked at up to the first thing that is wrong with it.
        """
        month = self._places.month_of(index)
        if month is None:
            return False
        self.entries += 1
        if month.name in self._files and month.name not in self._wrong:
            line = self._next(month.name)
            if line and (line.index, line.entry, leaf_hash(line.leaf)) != (index, entry, hashed):
                self._say(month.name, f"entry {entry} (leaf {index}) is not what was sealed")
        return True

    def end(self) -> None:
        """After the last leaf no file may have another line."""
        for name in self._files.keys() - self._wrong:
            try:
                if next(self._files[name], None):
                    self._say(name, "it has more entries than the month")
            except (BadArchive, OSError) as problem:
                self._say(name, str(problem))

    def _next(self, name: str) -> Line | None:
        try:
            line = next(self._files[name], None)
        except (BadArchive, OSError) as problem:
            self._say(name, str(problem))
            return None
        if line is None:
            self._say(name, "it ends too early")
        return line

    def _say(self, name: str, what: str) -> None:
        self._wrong.add(name)
        self._found(f"The archive of {name}: {what}.")
