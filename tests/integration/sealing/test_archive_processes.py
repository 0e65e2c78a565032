"""The archive commands as somebody runs them: processes of their own, one of them killed."""

import os
import subprocess
import sys

import pytest

from tests.integration.sealing.book import write
from tests.plugin import server_of_this_run
from tests.server import eventually

FILE = "ledger-2024-03.tsv.gz"
ONLINE = "SELECT count(*) FROM ledger_entry WHERE at < '2024-04-01'"


@pytest.fixture
def old(book):
    """Forty sealed entries of March 2024, and those other tables that the command looks into."""
    owner = book.connect("countersign_owner")
    owner.execute("CREATE TABLE approvals_request (id uuid, number integer, status text)")
    owner.execute("CREATE TABLE approvals_permit (request_id uuid, status text)")
    owner.execute("SELECT countersign_ledger_partition('2024-03-01')")
    owner.execute("ALTER TABLE ledger_entry ALTER at SET DEFAULT '2024-03-10'::timestamptz")
    write(owner, 40)
    owner.execute("ALTER TABLE ledger_entry ALTER at SET DEFAULT clock_timestamp()")
    book.seal()
    return book


def begin(old, folder, *arguments, role="countersign_owner"):
    """A command as `role`, its files in `folder`."""
    address = server_of_this_run().url(role, old.name)
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        env={**os.environ, "DATABASE_URL": address, "COUNTERSIGN_HOME": str(folder)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def run(old, folder, *arguments, **options):
    """What a command says; it must succeed."""
    process = begin(old, folder, *arguments, **options)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    return said


def test_killed_between_file_and_table_it_goes_on_and_all_of_it_comes_back(old, tmp_path):
    everything = old.rows("SELECT id, at, payload, leaf FROM ledger_entry ORDER BY id")
    file = tmp_path / "archive" / FILE
    with old.app.transaction():
        old.app.execute("SELECT FROM ledger_entry LIMIT 1")  # so that it must wait for the table
        killed = begin(old, tmp_path, "archive_ledger", "--yes")
        eventually(file.exists, "the file is there")
        killed.kill()
        killed.communicate()
    assert old.one(ONLINE) == 40
    assert "taken offline" in run(old, tmp_path, "archive_ledger", "--yes", "--drop")
    assert old.one(ONLINE) == 0
    verify = ("verify_ledger", "--archive", str(file.parent))
    assert "40 of them are archived" in run(old, tmp_path, *verify, role="countersign_app")
    assert "40 entries verified" in run(old, tmp_path, "restore_ledger", str(file))
    found = old.rows("SELECT id, at, payload, leaf FROM ledger_entry ORDER BY id")
    assert found[: len(everything)] == everything
    assert old.seal() == 2
