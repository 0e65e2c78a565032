"""Which entries are new: what the snapshot of the last look did not show.

A transaction that was open then, or began since, wrote them: two ranges of an index, however large
the ledger is and however long somebody keeps a transaction open. Snapshots mean nothing in another
cluster; there, and once a day, every entry is compared with the leaves instead.
"""

from collections.abc import Iterator
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]

BATCH = 500
_BETWEEN = """
    SELECT id, at, project, payload FROM ledger_entry WHERE xid >= pg_snapshot_xmax(%(seen)s)
    UNION ALL
    SELECT id, at, project, payload FROM ledger_entry
    WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip(%(seen)s)))
"""
_ANY = f"SELECT EXISTS ({_BETWEEN})"
# Materialized: otherwise the order could be taken from the index of ids, all of it.
_NEW = f"WITH new AS MATERIALIZED ({_BETWEEN}) SELECT * FROM new ORDER BY id"  # noqa: S608
_UNSEALED = """
    SELECT id, at, project, payload FROM ledger_entry AS entry
    WHERE NOT EXISTS (SELECT FROM ledger_leaf AS leaf WHERE leaf.entry = entry.id)
    ORDER BY id
"""
_HERE = """
    SELECT pg_current_snapshot()::text, (SELECT system_identifier::text FROM pg_control_system())
"""


def here(connection: Connection) -> tuple[str, str]:
    """The snapshot of this transaction, and the cluster it is one of."""
    found = connection.execute(_HERE).fetchone()
    assert found is not None  # noqa: S101  (one row always)
    return found[0], found[1]


def is_news(connection: Connection, seen: str) -> bool:
    """Whether anything is new, in one statement: all that an idle portal costs."""
    found = connection.execute(_ANY, {"seen": seen}).fetchone()
    return found is not None and bool(found[0])


def new_entries(connection: Connection, seen: str | None) -> Iterator[list[tuple[Any, ...]]]:
    """(id, at, project, payload) of what is not sealed, in the order of ids, in batches.

    `seen` is the snapshot of the last look; without one all entries are compared with the leaves.
    Must run in REPEATABLE READ: entries and snapshot have to be of one moment.
    """
    with connection.cursor("new_entries", binary=True) as cursor:
        cursor.execute(_NEW if seen else _UNSEALED, {"seen": seen})
        while rows := cursor.fetchmany(BATCH):
            yield rows
