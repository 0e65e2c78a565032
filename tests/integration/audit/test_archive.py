"""Months of the ledger go into files and come back, by the two commands."""

import json
from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError

from approvals.audit.archive import due_months
from approvals.lifecycle.withdraw import withdraw_request
from portal.ledger.archive_file import read_lines, write_lines
from portal.ledger.models import Entry
from portal.ledger.proofs import proof_of
from tests.factories import ask
from tests.integration.audit.archiving import (
    FILE,
    MONTH,
    archive,
    run,
    seal,
    sql,
    today,
)

IN_MONTH = {"at__year": 2024, "at__month": 3}
TABLE = "SELECT to_regclass('ledger_entry_2024_03') IS NOT NULL"


def numbers():
    return [*Entry.objects.filter(**IN_MONTH).order_by("id").values_list("id", flat=True)]


def last_object(kind):
    return json.loads(bytes(Entry.objects.filter(type=kind).latest("id").payload))["object"]


def test_without_yes_it_only_shows(past):
    before = numbers()
    said = archive(past)
    assert f"{MONTH}: {len(before)} entries, {past.folder / FILE}" in said
    assert "Nothing was changed" in said
    assert numbers() == before
    assert not past.folder.exists()


def test_a_month_is_due_when_it_ended_thirteen_months_ago(past):
    march = date(2024, 3, 1)
    assert march not in due_months(datetime(2025, 4, 30, 23, tzinfo=UTC))
    assert march in due_months(datetime(2025, 5, 1, tzinfo=UTC))


def test_a_month_goes_into_a_file_and_off_the_table_and_is_recorded(past):
    before = numbers()
    assert f"{MONTH}: verified and taken offline." in archive(past, yes=True)
    assert numbers() == []
    assert [line.entry for line in read_lines(past.folder / FILE)] == before
    said = last_object("ledger.archived")
    assert (said["id"], said["file"], said["entries"]) == (MONTH, FILE, len(before))
    beside = json.loads((past.folder / "ledger-2024-03.json").read_text())
    assert beside["sha256"] == said["sha256"]
    assert beside["checkpoint"].startswith("countersign.example/log/")
    assert sql(TABLE) == [(True,)]
    assert f"{MONTH}: its table is dropped." in archive(past, yes=True, drop=True)
    assert sql(TABLE) == [(False,)]
    assert MONTH not in archive(past, yes=True, drop=True)


def test_what_comes_back_proves_as_before_and_can_go_again(past):
    before = {number: proof_of(number).leaf for number in numbers()}
    archive(past, yes=True, drop=True)
    assert f"{MONTH}: {len(before)} entries verified" in run("restore_ledger", past.folder / FILE)
    assert last_object("ledger.restored")["id"] == MONTH
    assert {number: proof_of(number).leaf for number in numbers()} == before
    with pytest.raises(CommandError, match="is not archived: it is online"):
        run("restore_ledger", past.folder / FILE)
    file = (past.folder / FILE).read_bytes()
    assert "verified and taken offline" in archive(past, yes=True, month=MONTH)
    assert (past.folder / FILE).read_bytes() == file
    run("restore_ledger", past.folder / FILE)
    assert numbers() == [*before]


def test_a_month_with_a_request_that_is_not_over_stays(long_ago, past):
    sql("ALTER TABLE ledger_entry ALTER at SET DEFAULT '2024-03-20 12:00+00'::timestamptz")
    waiting = ask(past)
    today()
    seal(past)
    assert f"{MONTH}: stays online. Not over yet: {waiting}." in archive(past, yes=True)
    assert len(numbers()) > 0
    withdraw_request(by=past.carol, request_id=waiting.pk, reason="No more")
    assert "taken offline" in archive(past, yes=True)


def test_a_month_of_which_not_all_is_sealed_stays(long_ago, past):
    sql("ALTER TABLE ledger_entry ALTER at SET DEFAULT '2024-03-20 12:00+00'::timestamptz")
    withdraw_request(by=past.carol, request_id=ask(past).pk, reason="No more")
    today()
    assert "entries are not sealed" in archive(past, yes=True)


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        (f"{datetime.now(UTC):%Y-%m}", "The month is not over."),
        ("1999-01", "The ledger has no entries of 1999-01 online."),
        ("March", "Write a month like 2025-01."),
    ],
)
def test_a_month_that_cannot_be_archived_is_told(past, month, sentence):
    try:
        said = archive(past, yes=True, month=month)
    except CommandError as refused:
        said = str(refused)
    assert sentence in said


def test_a_month_without_a_table_gets_one_and_is_archived(long_ago, past):
    sql("ALTER TABLE ledger_entry ALTER at SET DEFAULT '2024-05-20 12:00+00'::timestamptz")
    withdraw_request(by=past.carol, request_id=ask(past).pk, reason="No more")
    today()
    seal(past)
    in_rest = "SELECT count(*) FROM ledger_entry_rest WHERE at < '2024-06-01'"
    assert sql(in_rest)[0][0] > 0
    assert "2024-05: verified and taken offline." in archive(past, yes=True, month="2024-05")
    assert sql(in_rest) == [(0,)]
    assert "2024-05" in run("restore_ledger", past.folder / "ledger-2024-05.tsv.gz")


def test_broken_off_after_the_file_was_written_it_goes_on(past, monkeypatch):
    before = numbers()

    def killed(*_values):
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("approvals.audit.archive.detach", killed)
        with pytest.raises(CommandError, match="killed"):
            archive(past, yes=True)
    assert numbers() == before
    assert (past.folder / FILE).exists()
    assert "taken offline" in archive(past, yes=True)
    assert numbers() == []


def test_broken_off_while_the_file_was_written_it_begins_again(past):
    past.folder.mkdir()
    (past.folder / f"{FILE}.part").write_bytes(b"half")
    assert "taken offline" in archive(past, yes=True)
    assert len([*read_lines(past.folder / FILE)]) > 0


def test_a_file_that_lacks_an_entry_does_not_let_its_month_go(past):
    past.folder.mkdir()
    before = numbers()
    archive(past, yes=True)
    run("restore_ledger", past.folder / FILE)
    lines = [*read_lines(past.folder / FILE)]
    write_lines(past.folder / FILE, lines[:-1])
    with pytest.raises(CommandError, match="has other entries than the month"):
        archive(past, yes=True)
    assert numbers() == before


def test_without_its_whole_file_a_table_is_not_dropped_and_nothing_is_restored(past):
    archive(past, yes=True)
    lines = [*read_lines(past.folder / FILE)]
    write_lines(past.folder / FILE, lines[1:])
    for again in (
        lambda: archive(past, yes=True, drop=True),
        lambda: run("restore_ledger", past.folder / FILE),
    ):
        with pytest.raises(CommandError, match="is not all of it"):
            again()
    assert sql(TABLE) == [(True,)]
    (past.folder / FILE).unlink()
    with pytest.raises(CommandError, match="No such file"):
        archive(past, yes=True, drop=True)
    assert numbers() == []


def test_files_that_nobody_must_keep_are_listed(past, monkeypatch):
    archive(past, yes=True)
    assert archive(past, expired=True) == ""
    for day, listed in ((datetime(2032, 4, 30, tzinfo=UTC), False),
                        (datetime(2032, 5, 1, tzinfo=UTC), True)):  # fmt: skip
        monkeypatch.setattr("approvals.management.commands.archive_ledger.now", lambda day=day: day)
        said = archive(past, expired=True)
        assert (f"{FILE}: kept until 2032-05-01, may be deleted." in said) == listed


def test_only_the_owner_of_the_tables_may(past, monkeypatch):
    monkeypatch.setattr("approvals.audit.archive.is_owner", lambda _connection: False)
    with pytest.raises(CommandError, match="set DATABASE_URL to the owner's address"):
        archive(past)
