"""The ledger: one writer, append-only for every role that serves requests."""

import hashlib

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from portal.ledger.actors import SYSTEM
from portal.ledger.events import UnknownEvent
from portal.ledger.models import Entry
from portal.ledger.record import NotInTransaction, append, new_entry, record
from tests.conftest import worker_database
from tests.plugin import server_of_this_run

INSERT = """INSERT INTO ledger_entry (event_id, type, actor_ref, payload)
            VALUES (gen_random_uuid(), 'request.submitted', 'x', '\\x7b7d')"""


@pytest.fixture
def app_connection(transactional_db):
    """A connection as the role that web and worker use."""
    url = server_of_this_run().url("countersign_app", worker_database())
    with psycopg.connect(url, autocommit=True) as found:
        yield found


@pytest.mark.django_db
def test_the_database_computes_the_same_leaf_as_we_do():
    entry = new_entry("key.created", actor=SYSTEM, object={"kind": "key", "id": "k"})
    number = append([entry])
    stored = Entry.objects.get(pk=number)
    assert bytes(stored.leaf) == entry.leaf == hashlib.sha256(b"\0" + entry.payload).digest()


@pytest.mark.django_db
def test_entries_written_together_keep_their_order():
    names = [f"k{n}" for n in range(20)]
    last = append([new_entry("key.created", actor=SYSTEM, object={"id": name}) for name in names])
    rows = Entry.objects.filter(id__gt=last - 20).order_by("id")
    assert [bytes(row.payload).decode().split('"id":"k')[1].split('"')[0] for row in rows] == [
        name[1:] for name in names
    ]


@pytest.mark.django_db
def test_an_unknown_event_or_part_raises():
    with pytest.raises(UnknownEvent):
        record("request.exploded", actor=SYSTEM)
    with pytest.raises(UnknownEvent):
        record("sign_out.done", actor=SYSTEM, drift=[])


@pytest.mark.django_db(transaction=True)
def test_it_refuses_to_write_outside_a_transaction():
    with pytest.raises(NotInTransaction):
        record("sign_out.done", actor=SYSTEM)
    with transaction.atomic():
        assert record("sign_out.done", actor=SYSTEM) > 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET outcome = 'x'",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry",
        "TRUNCATE ledger_entry_rest",
        "INSERT INTO ledger_entry_rest (event_id, type, actor_ref, payload, at)"
        " VALUES (gen_random_uuid(), 'x', 'x', '', '1999-01-01')",
        INSERT.replace("(event_id,", "(at, event_id,").replace("VALUES (", "VALUES (now(), "),
        INSERT.replace("(event_id,", "(xid, event_id,").replace("VALUES (", "VALUES ('1', "),
        INSERT.replace("(event_id,", "(id, event_id,")
        .replace("VALUES (", "OVERRIDING SYSTEM VALUE VALUES (7, "),
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "DROP TABLE ledger_entry",
        "SET session_replication_role = replica",
        "UPDATE approvals_move SET after = 'approved'",
    ],
)  # fmt: skip
def test_the_app_role_may_only_append(app_connection, statement):
    app_connection.execute(INSERT)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app_connection.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger_entry SET outcome = 'x'", "DELETE FROM ledger_entry", "TRUNCATE ledger_entry",
     "TRUNCATE ledger_entry_rest"],
)  # fmt: skip
def test_even_the_owner_is_refused_by_the_triggers(statement):
    record("sign_out.done", actor=SYSTEM)
    with (
        pytest.raises(ProgrammingError, match="never change"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.django_db
def test_every_partition_has_both_guards_always_on():
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname, array_agg(t.tgenabled ORDER BY t.tgname)
               FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid
               WHERE c.relname LIKE 'ledger_entry%' AND t.tgname LIKE 'ledger_entry%'
               GROUP BY 1"""
        )
        found = dict(cursor.fetchall())
    assert len(found) == 26
    assert {tuple(enabled) for enabled in found.values()} == {("A", "A")}
