"""How far the sealing of the ledger is, and what it has given out."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from approvals.audit.checkpoint_keys import CheckpointKey, checkpoint_keys

MOST_COUNTED = 1000

_LAST = """
    SELECT checkpoint.origin, checkpoint.size, encode(checkpoint.root, 'base64'), checkpoint.at,
           (SELECT max(size) FROM ledger_signature)
    FROM ledger_checkpoint AS checkpoint ORDER BY size DESC LIMIT 1
"""
# As the sealer looks for it: what the last checkpoint's snapshot did not show.
_UNSEALED = """
    WITH last AS (SELECT snapshot::pg_snapshot FROM ledger_checkpoint ORDER BY size DESC LIMIT 1),
    waiting AS (
        SELECT at FROM ledger_entry WHERE NOT EXISTS (SELECT FROM last)
        UNION ALL
        SELECT at FROM ledger_entry
        WHERE xid >= (SELECT pg_snapshot_xmax(snapshot) FROM last)
        UNION ALL
        SELECT at FROM ledger_entry
        WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip(snapshot) FROM last))
    )
    SELECT count(*), min(at) FROM (SELECT at FROM waiting LIMIT %s) AS counted
"""
_PUBLICATIONS = """
    SELECT DISTINCT ON (place) place, size, at FROM ledger_publication ORDER BY place, size DESC
"""


@dataclass(frozen=True)
class Sealed:
    """The newest checkpoint; `signed` is the size of the newest signed one."""

    origin: str
    size: int
    root: str
    at: datetime
    signed: int | None


@dataclass(frozen=True)
class Publication:
    """The newest checkpoint that a place was given."""

    place: str
    size: int
    at: datetime


@dataclass(frozen=True)
class SealState:
    """All of it; `waiting` counts entries that are not sealed yet, up to a thousand and one."""

    last: Sealed | None
    waiting: int
    oldest: datetime | None
    publications: list[Publication]
    keys: list[CheckpointKey]

    @property
    def many_wait(self) -> bool:
        """Whether more wait than were counted."""
        return self.waiting > MOST_COUNTED


def seal_state() -> SealState:
    """How things stand now."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        row = cursor.fetchone()
        cursor.execute(_UNSEALED, [MOST_COUNTED + 1])
        waiting, oldest = cursor.fetchone()
        cursor.execute(_PUBLICATIONS)
        publications = [Publication(*found) for found in cursor.fetchall()]
    last, keys = Sealed(*row) if row else None, checkpoint_keys()[::-1]
    return SealState(last, waiting, oldest, publications, keys)
