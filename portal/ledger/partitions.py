"""The ledger's months as tables: which there are, taking one off, putting one on.

As the owner of the tables, inside a transaction of the caller. Whoever waits for the table longer
than LOCK_WAIT gives up: everybody who writes would wait behind.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from portal.ledger.months import bounds_of

Connection = psycopg.Connection[Any]

COLUMNS = (
    "id", "event_id", "at", "project", "request", "type", "actor_ref", "outcome", "payload", "xid",
)  # fmt: skip
_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
LOCK_WAIT = "SET LOCAL lock_timeout = '3s'"

_IS_OWNER = (
    "SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = 'ledger_entry'::regclass"
)
_ONLINE = """
    SELECT to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM') FROM pg_inherits
    WHERE inhparent = 'ledger_entry'::regclass AND inhrelid <> 'ledger_entry_rest'::regclass
"""
_IN_REST = "SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')::date FROM ledger_entry_rest"
_IS_TABLE = "SELECT to_regclass(%s) IS NOT NULL"
_LOCK = "LOCK TABLE ledger_entry IN ACCESS EXCLUSIVE MODE"
_MAKE = """
    CREATE TABLE {table} (LIKE ledger_entry
        INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING INDEXES)
"""
_ATTACH = "ALTER TABLE ledger_entry ATTACH PARTITION {table} FOR VALUES FROM ({begin}) TO ({end})"
_GUARD = "SELECT countersign_guard_partition(%s)"
# Off the table no trigger of the rows stands on the rest; what guards the table is made again.
_MOVE = """
    ALTER TABLE ledger_entry DETACH PARTITION ledger_entry_rest;
    INSERT INTO {table} ({columns}) SELECT {columns} FROM ledger_entry_rest
        WHERE at >= {begin} AND at < {end};
    DELETE FROM ledger_entry_rest WHERE at >= {begin} AND at < {end};
    DROP TRIGGER ledger_entry_no_truncate ON ledger_entry_rest;
    ALTER TABLE ledger_entry ATTACH PARTITION ledger_entry_rest DEFAULT;
    SELECT countersign_guard_partition('ledger_entry_rest');
"""


def table_of(month: date) -> str:
    """The name of a month's table."""
    return f"ledger_entry_{month:%Y_%m}"


def is_owner(connection: Connection) -> bool:
    """Whether this connection may change the table itself."""
    return bool(_one(connection, _IS_OWNER))


def online_months(connection: Connection) -> set[date]:
    """Months with a table of their own among the ledger's."""
    return {month for (month,) in connection.execute(_ONLINE).fetchall()}


def months_in_rest(connection: Connection) -> set[date]:
    """Months that had no table when their entries came."""
    return {month for (month,) in connection.execute(_IN_REST).fetchall()}


def is_kept(connection: Connection, month: date) -> bool:
    """Whether there is a table of this month beside the ledger's."""
    there = _one(connection, _IS_TABLE, table_of(month))
    return bool(there) and month not in online_months(connection)


def detach(connection: Connection, month: date) -> int:
    """Take a month off the ledger's table; how many entries went with it.

    Nobody writes meanwhile, so that no later entry of the month is overlooked. Raises
    psycopg.errors.LockNotAvailable.
    """
    connection.execute(LOCK_WAIT)
    connection.execute(_LOCK)
    table = sql.Identifier(table_of(month))
    count = _one(connection, sql.SQL("SELECT count(*) FROM {}").format(table))
    connection.execute(sql.SQL("ALTER TABLE ledger_entry DETACH PARTITION {}").format(table))
    return int(count)


def drop(connection: Connection, month: date) -> None:
    """Drop the table of a month that is not the ledger's any more."""
    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(table_of(month))))


def attach(connection: Connection, month: date, rows: Iterable[tuple[Any, ...]] = ()) -> None:
    """Make a month's table of `rows` (COLUMNS) and of what the rest has of it; put it on.

    Raises psycopg.errors.LockNotAvailable.
    """
    begin, end = bounds_of(month)
    table = sql.Identifier(table_of(month))
    parts = {
        "table": table, "columns": _COLUMNS, "begin": sql.Literal(begin), "end": sql.Literal(end),
    }  # fmt: skip
    connection.execute(sql.SQL(_MAKE).format(**parts))
    statement = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(**parts)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(LOCK_WAIT)
    if month in months_in_rest(connection):
        connection.execute(_LOCK)
        connection.execute(sql.SQL(_MOVE).format(**parts))
    connection.execute(sql.SQL(_ATTACH).format(**parts))
    connection.execute(_GUARD, [table_of(month)])


def _one(connection: Connection, statement: Any, *values: object) -> Any:
    row = connection.execute(statement, values).fetchone()
    assert row is not None  # noqa: S101  (one row always)
    return row[0]
