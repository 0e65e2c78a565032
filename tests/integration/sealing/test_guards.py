"""Who may do what with the sealed log: the application reads, the sealer adds, nobody changes."""

import psycopg
import pytest

from portal.ledger.seal_sql import TABLES
from tests.integration.sealing.book import write

REFUSED = psycopg.errors.InsufficientPrivilege
INSERTS = {
    "ledger_leaf": "INSERT INTO ledger_leaf (index, entry, number, hash) "
    "VALUES (9, 9, 9, sha256('x'))",
    "ledger_tile": "INSERT INTO ledger_tile (level, index, hashes, root) "
    "VALUES (0, 9, decode(repeat('00', 8192), 'hex'), sha256('x'))",
    "ledger_checkpoint": "INSERT INTO ledger_checkpoint (size, origin, root, snapshot, cluster) "
    "VALUES (9, 'o', sha256('x'), '1:1:', 'c')",
    "ledger_key": "INSERT INTO ledger_key (vkey) VALUES ('k')",
    "ledger_signature": "INSERT INTO ledger_signature (size, key, note) VALUES (9, 'k', 'n')",
    "ledger_publication": "INSERT INTO ledger_publication (size, place) VALUES (9, 'p')",
}
CHANGES = (
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "TRUNCATE {table} CASCADE",
)
DEFINITIONS = (
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "DROP TABLE {table} CASCADE",
    "CREATE INDEX ON {table} ({column})",
)


@pytest.fixture
def rows(book):
    """One row in each table, added by the sealer as it may."""
    write(book.app)
    sealer = book.connect("countersign_sealer")
    for table in TABLES:
        sealer.execute(INSERTS[table])
    return book


def _column(table):
    return INSERTS[table].split("(")[1].split(",")[0].split(")")[0]


def _is_refused(connection, statement, table):
    with pytest.raises(REFUSED):
        connection.execute(statement.format(table=table, column=_column(table)))


def test_the_application_reads_and_does_nothing_else(rows):
    app = rows.connect("countersign_app")
    for table in TABLES:
        assert len(app.execute(f"SELECT * FROM {table}").fetchall()) == 1
        for statement in (INSERTS[table], *CHANGES, *DEFINITIONS):
            _is_refused(app, statement, table)


def test_the_sealer_adds_and_changes_nothing(rows):
    sealer = rows.connect("countersign_sealer")
    for table in TABLES:
        for statement in (*CHANGES, *DEFINITIONS):
            _is_refused(sealer, statement, table)
    for table in ("ledger_checkpoint", "ledger_key", "ledger_signature", "ledger_publication"):
        chosen_time = INSERTS[table].replace("(", "(at, ", 1).replace("VALUES (", "VALUES (now(), ")
        _is_refused(sealer, chosen_time, table)


def test_the_sealer_only_reads_entries(rows):
    sealer = rows.connect("countersign_sealer")
    assert sealer.execute("SELECT count(*) FROM ledger_entry").fetchone() == (1,)
    for statement in (
        "INSERT INTO ledger_entry (event_id, type, actor_ref, payload) "
        "VALUES (gen_random_uuid(), 'x', 'x', '')",
        "UPDATE ledger_entry SET outcome = 'x'",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry",
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
    ):
        with pytest.raises(REFUSED):
            sealer.execute(statement)


def test_the_owner_is_stopped_by_triggers_that_no_session_can_switch_off(rows):
    owner = rows.connect("countersign_owner")
    superuser = rows.connect("postgres")
    superuser.execute("SET session_replication_role = replica")
    for table in TABLES:
        for connection in (owner, superuser):
            for statement in CHANGES:
                _is_refused(connection, statement, table)
    triggers = owner.execute(
        "SELECT tgrelid::regclass::text, array_agg(tgenabled) FROM pg_trigger "
        "WHERE tgfoid = 'countersign_refuse'::regproc AND tgrelid::regclass::text = ANY (%s) "
        "GROUP BY 1",
        [list(TABLES)],
    ).fetchall()
    assert dict(triggers) == {table: ["A", "A"] for table in TABLES}


def test_a_month_of_entries_can_be_detached_while_its_leaves_stay(book):
    write(book.app, 3)
    book.seal()
    owner = book.connect("countersign_owner")
    month = owner.execute("SELECT DISTINCT tableoid::regclass::text FROM ledger_entry").fetchone()[
        0
    ]
    owner.execute(f"ALTER TABLE ledger_entry DETACH PARTITION {month}")
    assert book.one("SELECT count(*) FROM ledger_leaf") == 3
    assert book.log().append(compare_all=True) == 0
