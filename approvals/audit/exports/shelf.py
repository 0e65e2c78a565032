"""Where a file lies: in rows, so that the worker and the web may stand on different machines.

The writer reads in a transaction that lasts as long as the file. What is written here stands at
once all the same, on a connection of its own, and only while the export is this worker's.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from approvals.audit.exports.job import Stopped
from approvals.models import Export, ExportChunk
from portal.kernel.errors import Conflict

CHUNK = 1024 * 1024  # bytes
MOST_BYTES = 4 * 1024**3
EVERY = 1.0  # seconds between two words about the progress
LEASE = timedelta(minutes=5)  # the longest a writer may be silent

_TELL = """
UPDATE approvals_export SET rows = %s, size = %s, next_try = clock_timestamp() + %s
WHERE id = %s::uuid AND state = 'running' AND attempts = %s
"""
# FOR SHARE: who cancels waits for this row, or this statement for them and then finds nothing.
_KEEP = """
INSERT INTO approvals_exportchunk (export_id, number, data)
SELECT id, %s, %s::bytea FROM approvals_export
WHERE id = %s::uuid AND state = 'running' AND attempts = %s FOR SHARE
"""


@contextmanager
def beside() -> Generator[BaseDatabaseWrapper, None, None]:
    """A second connection, on which every statement stands by itself."""
    link = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        yield link
    finally:
        link.close()


class Shelf:
    """The file of one turn at an export."""

    def __init__(self, link: BaseDatabaseWrapper, export: Export) -> None:
        self._link, self._turn = link, (export.pk, export.attempts)
        self._waiting, self._number = bytearray(), 0
        self._digest, self._told = sha256(), time.monotonic()
        self.rows, self.size = 0, 0

    def progress(self, rows: int) -> None:
        """So many rows are done; said to others at most once in EVERY. Raises Stopped."""
        self.rows = rows
        if time.monotonic() - self._told >= EVERY:
            self._told = time.monotonic()
            self._write(_TELL, rows, self.size, LEASE)

    def put(self, part: bytes) -> None:
        """The next bytes. Raises Stopped, and Conflict for a file over MOST_BYTES."""
        self._digest.update(part)
        self._waiting += part
        self.size += len(part)
        if self.size > MOST_BYTES:
            raise Conflict(_("The file would be larger than 4 GiB. Take a shorter period."))
        while len(self._waiting) >= CHUNK:
            self._keep()
        self.progress(self.rows)

    def close(self) -> str:
        """Keep what is left; the digest of the whole. Raises Stopped."""
        if self._waiting:
            self._keep()
        return f"sha256:{self._digest.hexdigest()}"

    def _keep(self) -> None:
        chunk = bytes(self._waiting[:CHUNK])
        del self._waiting[:CHUNK]
        self._write(_KEEP, self._number, chunk)
        self._number += 1

    def _write(self, statement: str, *values: Any) -> None:
        with self._link.cursor() as cursor:
            cursor.execute(statement, [*values, *self._turn])
            if cursor.rowcount != 1:
                raise Stopped


def read_file(export: Export) -> Generator[bytes, None, None]:
    """The bytes, one chunk in memory at a time. Raises DoesNotExist when it goes meanwhile."""
    pieces = -(-export.size // CHUNK)
    for number in range(pieces):
        yield bytes(ExportChunk.objects.get(export=export, number=number).data)
