"""How far the sealing of the ledger is, and what it has given out."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from approvals.audit.checkpoint_keys import CheckpointKey, checkpoint_keys
from portal.ledger.origins import Anchored, continued

MOST_COUNTED = 1000

_LAST = """
    SELECT checkpoint.origin, checkpoint.size, encode(checkpoint.root, 'base64'), checkpoint.at,
           (SELECT max(size) FROM ledger_signature), coalesce(extension, '')
    FROM ledger_checkpoint AS checkpoint LEFT JOIN ledger_origin USING (origin)
    ORDER BY size DESC LIMIT 1
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
# Every place outside has said how it does; the publications are too many to look through.
_PUBLICATIONS = """
    WITH names AS (SELECT 'portal' AS place UNION SELECT place FROM ledger_place)
    SELECT place, size, given.at, coalesce(problem, ''), said.at FROM names
    LEFT JOIN LATERAL (SELECT size, at FROM ledger_publication AS one
        WHERE one.place = names.place ORDER BY size DESC LIMIT 1) AS given ON true
    LEFT JOIN LATERAL (SELECT problem, at FROM ledger_place AS one
        WHERE one.place = names.place ORDER BY number DESC LIMIT 1) AS said ON true
    WHERE size IS NOT NULL OR problem IS NOT NULL ORDER BY place <> 'portal', place
"""


@dataclass(frozen=True)
class Sealed:
    """The newest checkpoint; `signed` is the size of the newest signed one."""

    origin: str
    size: int
    root: str
    at: datetime
    signed: int | None
    extension: str

    @property
    def before(self) -> Anchored | None:
        """The checkpoint that this log goes on from; None: it is the first."""
        return continued(self.extension)


@dataclass(frozen=True)
class Publication:
    """The newest checkpoint that a place was given, and what is wrong with it since when."""

    place: str
    size: int | None
    at: datetime | None
    problem: str
    since: datetime | None


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
