"""What the database refuses by itself, whoever tries it: plain SQL as the app role."""

import psycopg
import pytest
from django.db import DatabaseError, connection

from approvals.models import Permit
from approvals.states import PERMIT_TRANSITIONS, TRANSITIONS, PermitStatus, Status
from tests.conftest import worker_database
from tests.factories import ask, decide, redeem
from tests.plugin import server_of_this_run


@pytest.fixture
def app(who):
    """A plain connection with the rights of the running portal."""
    url = server_of_this_run().url(database=worker_database())
    with psycopg.connect(url, autocommit=True) as opened:
        yield opened


def moves(machine):
    with connection.cursor() as cursor:
        cursor.execute("SELECT before, after FROM approvals_move WHERE machine = %s", [machine])
        return set(cursor.fetchall())


def test_the_table_of_moves_is_the_one_in_the_code(db):
    assert moves("request") == {(str(old), str(new)) for old, new in TRANSITIONS}
    assert moves("permit") == {(str(old), str(new)) for old, new in PERMIT_TRANSITIONS}


def test_the_app_cannot_add_a_move(app):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("INSERT INTO approvals_move VALUES ('request', 'rejected', 'approved')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("DELETE FROM approvals_move")


def test_an_illegal_move_of_a_request_is_refused(who, app):
    request = decide(ask(who), who.alice, "reject", "No")
    for status in set(Status) - {Status.REJECTED}:
        with pytest.raises(psycopg.errors.CheckViolation, match="illegal move"):
            app.execute(
                "UPDATE approvals_request SET status = %s, approved_at = now(), use_by = now()"
                " WHERE id = %s",
                [status, request.id],
            )


def test_an_illegal_move_of_a_permit_is_refused(who, app):
    permit = redeem(who, decide(ask(who), who.alice))
    for status in set(PermitStatus) - {"issued", "running", "expired"}:
        with pytest.raises(psycopg.errors.CheckViolation, match="illegal move"):
            app.execute(
                "UPDATE approvals_permit SET status = %s WHERE id = %s", [status, permit.id]
            )


def test_no_row_begins_approved(who, app):
    request = ask(who)
    columns = [f.column for f in type(request)._meta.fields if f.name not in {"id", "number"}]
    values = ", ".join("'approved'" if c == "status" else c for c in columns)
    with pytest.raises(psycopg.errors.CheckViolation, match="begins as submitted"):
        app.execute(
            f"INSERT INTO approvals_request (id, {', '.join(columns)}) "
            f"SELECT gen_random_uuid(), {values} FROM approvals_request WHERE id = %s",
            [request.id],
        )


def test_a_second_permit_for_a_request_is_refused(who, app):
    permit = redeem(who, decide(ask(who), who.alice))
    columns = [f.column for f in Permit._meta.fields if f.name != "id"]
    with pytest.raises(psycopg.errors.UniqueViolation):
        app.execute(
            f"INSERT INTO approvals_permit (id, {', '.join(columns)}) "
            f"SELECT gen_random_uuid(), {', '.join(columns)} FROM approvals_permit WHERE id = %s",
            [permit.id],
        )


@pytest.mark.parametrize(
    "change",
    [
        "payload = '\\x00'",
        "digest = 'sha256:' || repeat('0', 64)",
        "action = 'migrate'",
        """subject = '{"commit": "2"}'""",
        """run = '{"id": "other", "attempt": 1}'""",
        "labels = '[1]'",
        """claims = '{"a": 1}'""",
        "environment_id = gen_random_uuid()",
        "project_id = gen_random_uuid()",
        "account_id = gen_random_uuid()",
        "owner_id = gen_random_uuid()",
        "token_id = gen_random_uuid()",
        "idempotency_key = 'another'",
        "body_digest = 'sha256:' || repeat('0', 64)",
        "created_at = now() - interval '1 day'",
        "number = number + 1000",
        "reason = ''",
        "run = run - 'actor'",
        "erased_at = now(), reason = '', reason_salt = '', body_digest = '', run = run - 'actor'",
    ],
)
def test_the_payload_of_a_request_never_changes(who, app, change):
    request = ask(who)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="payload"):
        app.execute(f"UPDATE approvals_request SET {change} WHERE id = %s", [request.id])


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("approvals_snapshot", "facts = '{}'"),
        ("approvals_verdict", "outcome = 'allow'"),
        ("approvals_decision", "outcome = 'approve'"),
        ("ledger_entry", "payload = '\\x00'"),
    ],
)
def test_what_was_said_never_changes(who, app, table, change):
    request = decide(ask(who), who.alice, "reject", "No")
    column = "request" if table == "ledger_entry" else "request_id"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(f"UPDATE {table} SET {change} WHERE {column} = %s", [request.id])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(f"DELETE FROM {table} WHERE {column} = %s", [request.id])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("permit", """receipt = '{"payload": "forged"}'"""),
        ("permit", "request_id = gen_random_uuid()"),
        ("permit", "environment_id = gen_random_uuid()"),
        ("permit", "issued_at = issued_at - interval '1 day'"),
        ("permit", "expires_at = expires_at + interval '1 day'"),
        ("signingkey", "jwk = '{}'"),
        ("signingkey", "kid = 'mine'"),
    ],
)
def test_what_was_signed_never_changes(who, app, table, change):
    redeem(who, decide(ask(who), who.alice))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changes"):
        app.execute(f"UPDATE approvals_{table} SET {change}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(f"DELETE FROM approvals_{table}")
    app.execute("UPDATE approvals_signingkey SET status = 'retired'")
    begin = "UPDATE approvals_permit SET status = 'running', started_at = now(), starter = %s"
    app.execute(begin, ["me"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changes"):
        app.execute("UPDATE approvals_permit SET starter = 'another'")
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="never changes"):
        cursor.execute(f"DELETE FROM approvals_{table}")  # not even as the owner of the table


def test_a_request_cannot_be_deleted(who, app):
    request = ask(who)
    app.execute("DELETE FROM approvals_awaitedgroup WHERE request_id = %s", [request.id])
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        app.execute("DELETE FROM approvals_request WHERE id = %s", [request.id])
