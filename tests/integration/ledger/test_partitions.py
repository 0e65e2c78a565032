"""The ledger's months: made ahead, guarded like the first ones, reached through the parent only."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from portal.ledger.sql import MONTHS_AHEAD
from tests.conftest import worker_database
from tests.plugin import server_of_this_run

THIS_MONTH = f"ledger_entry_{datetime.now(UTC):%Y_%m}"
INSERT = """INSERT INTO {table} (event_id, type, actor_ref, payload)
            VALUES (gen_random_uuid(), 'sign_out.done', 'x', '\\x7b7d')"""


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def partitions():
    return {
        name for (name,) in sql(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'ledger_entry'::regclass"
        )
    }  # fmt: skip


def drop(name):
    """Take a month away, as if it had never been made (the test's transaction brings it back)."""
    sql(f"ALTER TABLE ledger_entry DETACH PARTITION {name}")
    sql(f"DROP TABLE {name}")


def run(**options):
    out, err = StringIO(), StringIO()
    call_command("ledger_partitions", stdout=out, stderr=err, **options)
    return out.getvalue().strip(), err.getvalue()


@pytest.mark.django_db
def test_two_years_are_there_from_the_start():
    found = partitions()
    assert len(found) == MONTHS_AHEAD + 1
    assert {THIS_MONTH, "ledger_entry_rest"} <= found
    assert run() == ("0 partitions made", "")


@pytest.mark.django_db
def test_missing_months_are_made_with_their_guards_and_without_rights():
    before, last = partitions(), max(partitions() - {"ledger_entry_rest"})
    drop(THIS_MONTH)
    drop(last)
    assert run() == ("2 partitions made", "")
    assert partitions() == before
    for name in (THIS_MONTH, last):
        triggers = sql(
            "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass", name
        )
        assert sorted(triggers) == [
            ("ledger_entry_append_only", "A"),
            ("ledger_entry_no_truncate", "A"),
        ]
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            assert sql("SELECT has_table_privilege('countersign_app', %s, %s)", name, right) == [
                (False,)
            ]
        assert sql(
            "SELECT has_any_column_privilege('countersign_app', %s, 'INSERT')", name
        ) == [(False,)]  # fmt: skip


def test_the_app_writes_into_a_fresh_month_through_the_parent_only(django_db_setup):
    url = server_of_this_run().url("postgres", worker_database())
    with psycopg.connect(url) as superuser:
        superuser.execute(f"ALTER TABLE ledger_entry DETACH PARTITION {THIS_MONTH}")
        superuser.execute(f"ALTER TABLE {THIS_MONTH} RENAME TO taken_away")
        superuser.execute("SET LOCAL ROLE countersign_owner")
        superuser.execute("SELECT countersign_ledger_partition(now()::date)")
        superuser.execute("SET LOCAL ROLE countersign_app")
        superuser.execute(INSERT.format(table="ledger_entry"))
        where = superuser.execute("SELECT DISTINCT tableoid::regclass::text FROM ledger_entry")
        assert where.fetchall() == [(THIS_MONTH,)]
        for statement in (
            INSERT.format(table=THIS_MONTH),
            f"SELECT 1 FROM {THIS_MONTH}",
            f"TRUNCATE {THIS_MONTH}",
            "SELECT countersign_ledger_partition('2100-01-01')",
        ):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                superuser.transaction(),
            ):
                superuser.execute(statement)
        superuser.rollback()


@pytest.mark.django_db
def test_a_month_that_overflowed_is_told_and_does_not_stop_the_others():
    last = max(partitions() - {"ledger_entry_rest"})
    drop(THIS_MONTH)
    drop(last)
    sql(INSERT.format(table="ledger_entry"))
    said, complaint = run()
    assert said == "1 partitions made"
    assert "0 months ahead gets no partition" in complaint
    assert last in partitions()


def test_who_does_not_own_the_tables_is_told_what_to_set(django_db_setup):
    """As the app role, one month further than what the migration made."""
    program = (
        "import django; django.setup()\n"
        "from django.core.management import execute_from_command_line\n"
        "from approvals.management.commands import ledger_partitions as command\n"
        "command.MONTHS_AHEAD = 25\n"
        "execute_from_command_line(['manage.py', 'ledger_partitions'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.config.settings",
            "DATABASE_URL": server_of_this_run().url("countersign_app", worker_database()),
        },
    )  # fmt: skip
    assert done.returncode == 1
    assert "set DATABASE_URL to the owner's address" in done.stderr
