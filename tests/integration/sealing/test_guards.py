"""Who may do what with the sealed log: the application reads, the sealer adds, nobody changes."""

from datetime import UTC, datetime

import psycopg
import pytest

from portal.ledger.anchor_sql import ANCHORS
from tests.integration.sealing.book import write

REFUSED = psycopg.errors.InsufficientPrivilege
MONTH = f"ledger_entry_{datetime.now(UTC):%Y_%m}"
PARTS = (MONTH, "ledger_entry_rest")  # one holds rows, one holds none
ENTRY = (
    "INSERT INTO {table} (event_id, type, actor_ref, payload) "
    "VALUES (gen_random_uuid(), 'key.created', 'x', 'x')"
)
CHOSEN = {"id": "9", "at": "'1999-01-01'", "xid": "'9'", "leaf": "sha256('x')"}
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
    "ledger_origin": "INSERT INTO ledger_origin (origin, extension) VALUES ('o', 'e')",
    "ledger_cosignature": "INSERT INTO ledger_cosignature (size, key, line) VALUES (9, 'k', 'l')",
    "ledger_place": "INSERT INTO ledger_place (place, problem) VALUES ('p', '')",
}
CHANGES = (
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "TRUNCATE {table} CASCADE",
)
DEFINITIONS = (
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} ALTER {column} DROP NOT NULL",
    "ALTER TABLE {table} OWNER TO countersign_app",
    "DROP TABLE {table} CASCADE",
    "CREATE INDEX ON {table} ({column})",
    "CREATE RULE nothing AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW"
    " EXECUTE FUNCTION countersign_refuse()",
    "LOCK TABLE {table} IN EXCLUSIVE MODE",
)
AROUND = (
    "SET session_replication_role = replica",
    "SELECT set_config('session_replication_role', 'replica', false)",
    "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
    "ALTER DATABASE postgres SET session_replication_role = replica",
    "ALTER SYSTEM SET session_replication_role = replica",
    "SET ROLE countersign_owner",
    "SET SESSION AUTHORIZATION countersign_owner",
    "CREATE OR REPLACE FUNCTION countersign_refuse() RETURNS trigger LANGUAGE sql AS ''",
    "DROP FUNCTION countersign_refuse() CASCADE",
    "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
    "CREATE TABLE mine (id int)",
    "SELECT setval('ledger_entry_id_seq', 1)",
    "ALTER SEQUENCE ledger_entry_id_seq RESTART",
    "ALTER TABLE ledger_entry DETACH PARTITION ledger_entry_rest",
    "SELECT countersign_ledger_partition('2100-01-01')",
    "COPY ledger_entry FROM PROGRAM 'true'",
    "DROP SCHEMA public CASCADE",
)


@pytest.fixture
def rows(book):
    """One row in each table, added by the sealer as it may."""
    write(book.app)
    sealer = book.connect("countersign_sealer")
    for table in INSERTS:
        sealer.execute(INSERTS[table])
    return book


def _column(table):
    statement = INSERTS.get(table, ENTRY)
    return statement.split("(")[1].split(",")[0].split(")")[0]


def _is_refused(connection, statement, table):
    with pytest.raises(REFUSED), connection.transaction():
        connection.execute(statement.format(table=table, column=_column(table)))


def test_nobody_who_serves_changes_entries_the_whole_or_a_part(rows):
    for role in ("countersign_app", "countersign_sealer"):
        connection = rows.connect(role)
        for table in ("ledger_entry", *PARTS):
            for statement in (*CHANGES, *DEFINITIONS):
                _is_refused(connection, statement, table)
    assert rows.one("SELECT count(*) FROM ledger_entry") == 1


def test_entries_are_added_to_the_whole_alone_and_by_the_application_alone(rows):
    app, sealer = rows.connect("countersign_app"), rows.connect("countersign_sealer")
    app.execute(ENTRY.format(table="ledger_entry"))
    _is_refused(sealer, ENTRY, "ledger_entry")
    for table in PARTS:
        _is_refused(app, ENTRY, table)
        _is_refused(app, "SELECT count(*) FROM {table}", table)


@pytest.mark.parametrize("column", CHOSEN)
def test_nobody_chooses_what_the_database_gives(rows, column):
    chosen = ENTRY.format(table="ledger_entry").replace("(event_id", f"({column}, event_id")
    for value in ("OVERRIDING SYSTEM VALUE VALUES", "OVERRIDING USER VALUE VALUES", "VALUES"):
        statement = chosen.replace("VALUES (", f"{value} ({CHOSEN[column]}, ")
        with pytest.raises((REFUSED, psycopg.errors.GeneratedAlways)):
            rows.connect("countersign_app").execute(statement)
    assert rows.one("SELECT count(*) FROM ledger_entry") == 1


@pytest.mark.parametrize("role", ["countersign_app", "countersign_sealer"])
def test_there_is_no_way_around_the_guards(rows, role):
    connection = rows.connect(role)
    for statement in AROUND:
        with pytest.raises(REFUSED):
            connection.execute(statement)
    assert connection.execute("SHOW session_replication_role").fetchone() == ("origin",)


def test_the_application_reads_and_does_nothing_else(rows):
    app = rows.connect("countersign_app")
    for table in INSERTS:
        assert len(app.execute(f"SELECT * FROM {table}").fetchall()) == 1
        for statement in (INSERTS[table], *CHANGES, *DEFINITIONS):
            _is_refused(app, statement, table)


def test_the_sealer_adds_and_changes_nothing(rows):
    sealer = rows.connect("countersign_sealer")
    for table in INSERTS:
        for statement in (*CHANGES, *DEFINITIONS):
            _is_refused(sealer, statement, table)
    for table in (
        "ledger_checkpoint",
        "ledger_key",
        "ledger_signature",
        "ledger_publication",
        *ANCHORS,
    ):
        chosen_time = INSERTS[table].replace("(", "(at, ", 1).replace("VALUES (", "VALUES (now(), ")
        _is_refused(sealer, chosen_time, table)


def test_the_owner_is_stopped_by_triggers_that_no_session_can_switch_off(rows):
    owner = rows.connect("countersign_owner")
    superuser = rows.connect("postgres")
    superuser.execute("SET session_replication_role = replica")
    for table in INSERTS:
        for connection in (owner, superuser):
            for statement in CHANGES:
                _is_refused(connection, statement, table)
    triggers = owner.execute(
        "SELECT tgrelid::regclass::text, array_agg(tgenabled) FROM pg_trigger "
        "WHERE tgfoid = 'countersign_refuse'::regproc AND tgrelid::regclass::text = ANY (%s) "
        "GROUP BY 1",
        [list(INSERTS)],
    ).fetchall()
    assert dict(triggers) == {table: ["A", "A"] for table in INSERTS}


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
