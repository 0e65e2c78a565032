"""What a worker has to write: bytes from a writer, which tells meanwhile how far it is."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Parts = Generator[bytes, None, None]
Progress = Callable[[int], None]
"""Takes the number of rows done so far. May raise Stopped, which the writer lets through."""


class Stopped(Exception):
    """The export is not this worker's any more: it was cancelled, or another one goes on."""


@dataclass(frozen=True)
class Job:
    """One file, with the rights of who asked for it as they were when the job was made.

    `said`: what the ledger says of it. `project`: whose entry that is, if one's. `covers`: the
    projects whose evidence may be in it, None for everything. `expected` counts the rows, 0 where
    nobody knows; it and `parts` raise Refused for what cannot be had.
    """

    said: dict[str, Any]
    project: UUID | None
    covers: list[UUID] | None
    file_name: str
    content_type: str
    expected: Callable[[], int]
    parts: Callable[[Progress], Parts]
