"""Put old months of the ledger into files and take them off its table; bring one back.

As the owner of the tables. What a person may still have to act on stays: a month with an entry of a
request that is not over, or whose permit runs, is not archived.
"""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction

from approvals.states import OPEN, PermitStatus
from portal.kernel.errors import Conflict, Forbidden
from portal.ledger.actors import SYSTEM
from portal.ledger.archive import (
    Contents,
    contents_of,
    file_of,
    month_of,
    note_archived,
    rows_of,
    write_month,
)
from portal.ledger.archive_file import BadArchive, read_lines, sha256_of
from portal.ledger.archived import ArchivedMonth, archived_months
from portal.ledger.months import bounds_of, later, month_at, name_of
from portal.ledger.partitions import (
    attach,
    detach,
    drop,
    is_kept,
    is_owner,
    months_in_rest,
    online_months,
)
from portal.ledger.proofs import note_of, published_checkpoint
from portal.ledger.record import record
from portal.ledger.tiles import fetch

MOST_NAMED = 10
_RUNNING = (PermitStatus.ISSUED, PermitStatus.RUNNING)
_STATE = """
    SELECT count(*), count(leaf.entry), coalesce(max(leaf.index) + 1, 0)
    FROM ledger_entry AS entry LEFT JOIN ledger_leaf AS leaf ON leaf.entry = entry.id
    WHERE entry.at >= %s AND entry.at < %s
"""
_OPEN = """
    SELECT DISTINCT request.number FROM ledger_entry AS entry
    JOIN approvals_request AS request ON request.id = entry.request
    LEFT JOIN approvals_permit AS permit ON permit.request_id = request.id
    WHERE entry.at >= %s AND entry.at < %s AND (request.status = ANY(%s) OR permit.status = ANY(%s))
    ORDER BY 1
"""


@dataclass(frozen=True)
class Candidate:
    """A month that could be archived; `obstacles` are sentences that say why it cannot be yet."""

    month: date
    entries: int
    obstacles: list[str]


def due_months(now: datetime) -> list[date]:
    """Months that ended long enough ago, the oldest first."""
    last = later(month_at(now), -1 - settings.LEDGER_ONLINE_MONTHS)
    return sorted(month for month in _present() if month <= last)


def candidate(month: date, now: datetime) -> Candidate:
    """How things stand with a month. Raises Conflict where the table has no such month."""
    if month not in _present():
        raise Conflict(f"The ledger has no entries of {name_of(month)} online.")
    bounds = bounds_of(month)
    ((entries, sealed, size),) = fetch(_STATE, bounds)
    signed = published_checkpoint()
    obstacles = []
    if not entries:
        obstacles.append("It has no entries.")
    if any(one.month == month for one in archived_months(fetch)):
        obstacles.append("It is archived, and entries came later: restore it, move its file away.")
    if bounds[1] > now:
        obstacles.append("The month is not over.")
    if sealed < entries:
        obstacles.append(f"{entries - sealed} entries are not sealed.")
    elif size > (signed.size if signed else 0):
        obstacles.append("No signed checkpoint covers all of its entries yet.")
    statuses = [[one.value for one in some] for some in (OPEN, _RUNNING)]
    if numbers := [f"R-{number}" for (number,) in fetch(_OPEN, [*bounds, *statuses])]:
        more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
        obstacles.append(f"Not over yet: {', '.join(numbers[:MOST_NAMED])}{more}.")
    return Candidate(month, entries, obstacles)


def archive_month(found: Candidate, folder: Path) -> Contents:
    """Write the file, verify it, take the month off the ledger's table; its own table stays beside.

    Whenever it is broken off, the next call goes on. Raises Conflict, BadArchive, OSError, and
    psycopg.errors.LockNotAvailable while somebody else holds the table for long.
    """
    if found.obstacles:
        raise Conflict(" ".join(found.obstacles))
    own, month = owned(), found.month
    if month not in online_months(own):
        with transaction.atomic():
            attach(own, month)
    path = folder / file_of(month)
    signed = published_checkpoint()
    contents = write_month(own, month, path, note_of(signed.size) if signed else "")
    with transaction.atomic():
        if detach(own, month) != contents.entries:
            raise BadArchive(f"{path} has other entries than the month: move it away and try again")
        note_archived(own, month, path, contents)
        _record("ledger.archived", month, path, contents)
    return contents


def drop_kept(folder: Path) -> list[str]:
    """Drop the tables of archived months, each after its file was verified; names of the months.

    Raises BadArchive and OSError for the first file that is not what it must be.
    """
    own, dropped = owned(), []
    for found in archived_months(fetch):
        if is_kept(own, found.month):
            _whole(found, contents_of(own, found.month, folder / found.file))
            drop(own, found.month)
            dropped.append(found.name)
    return dropped


def restore(path: Path) -> ArchivedMonth:
    """Verify a file against the sealed leaves and put its month on the ledger's table again.

    Raises Conflict for a month that is not archived, BadArchive, OSError, and
    psycopg.errors.LockNotAvailable.
    """
    own, digest = owned(), sha256_of(path)
    month = month_of(path)
    found = next((one for one in archived_months(fetch) if one.month == month), None)
    if found is None:
        raise Conflict(f"{name_of(month)} is not archived: it is online, or never was in a file.")
    contents = contents_of(own, month, path)
    _whole(found, contents)
    with transaction.atomic():
        if is_kept(own, month):
            drop(own, month)
        attach(own, month, rows_of(read_lines(path)))
        if sha256_of(path) != digest:
            raise BadArchive(f"{path} changed while it was read")
        _record("ledger.restored", month, path, contents)
    return found


def kept_until(found: ArchivedMonth) -> date:
    """The first day on which nobody needs the file any more."""
    years = settings.LEDGER_ARCHIVED_YEARS
    return later(found.month, 1 + settings.LEDGER_ONLINE_MONTHS + 12 * years)


def owned() -> "psycopg.Connection[Any]":
    """Django's own connection, as the driver has it. Raises Forbidden for who is not the owner."""
    connection.ensure_connection()
    own: psycopg.Connection[Any] = connection.connection
    if not is_owner(own):
        raise Forbidden(
            "Only the owner of the tables may do this: set DATABASE_URL to the owner's address.",
            code="not-owner",
        )
    return own


def _present() -> set[date]:
    own = owned()
    return online_months(own) | months_in_rest(own)


def _whole(found: ArchivedMonth, contents: Contents) -> None:
    if tuple(contents.leaves) != found.leaves:
        counts = f"{contents.entries} entries, not {found.entries}"
        raise BadArchive(f"the file of {found.name} is not all of it, or more: {counts}")


def _record(event: str, month: date, path: Path, contents: Contents) -> None:
    said = {
        "kind": "ledger_month",
        "id": name_of(month),
        "file": path.name,
        "sha256": sha256_of(path).hex(),
        "entries": contents.entries,
    }
    record(event, actor=SYSTEM, object=said)
