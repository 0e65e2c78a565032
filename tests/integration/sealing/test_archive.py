"""A month of the ledger in a file: nothing is lost, nothing else is taken back, the log goes on."""

import gzip
import json
import stat
from datetime import UTC, date, datetime
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command

from approvals.management.commands import verify_ledger
from portal.ledger import partitions
from portal.ledger.archive import (
    contents_of,
    file_of,
    month_of,
    note_archived,
    rows_of,
    write_month,
)
from portal.ledger.archive_file import BadArchive, Line, read_lines, write_lines
from portal.ledger.archived import archived_months
from portal.ledger.partitions import (
    attach,
    detach,
    drop,
    is_kept,
    is_owner,
    months_in_rest,
    online_months,
)
from portal.ledger.verify import known_keys, verify_log
from tests.integration.sealing.book import OTHER, PROJECT, write

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
ALL = """SELECT id, event_id, at, project, request, type, actor_ref, outcome, payload, leaf
         FROM ledger_entry ORDER BY id"""


@pytest.fixture
def owner(book):
    return book.connect("countersign_owner")


@pytest.fixture
def aged(book, owner):
    """Five entries of January, three of February, mixed in the log around midnight; one of now."""
    for month in (JANUARY, FEBRUARY):
        owner.execute("SELECT countersign_ledger_partition(%s)", [month])
    written_at(owner, "2025-01-15", 3)
    written_at(owner, "2025-02-01", 1, OTHER)
    written_at(owner, "2025-01-31 23:59", 2, None)
    written_at(owner, "2025-02-15", 2)
    owner.execute("ALTER TABLE ledger_entry ALTER at SET DEFAULT clock_timestamp()")
    write(book.app)
    book.seal()
    return book


def written_at(owner, at, count, project=PROJECT):
    owner.execute(f"ALTER TABLE ledger_entry ALTER at SET DEFAULT '{at}+00'::timestamptz")
    write(owner, count, project)


def archived(owner, folder, month=JANUARY):
    """All that the command does with the tables."""
    path = folder / file_of(month)
    contents = write_month(owner, month, path, "note")
    with owner.transaction():
        assert detach(owner, month) == contents.entries
        note_archived(owner, month, path, contents)
    return path


def restored(owner, path, month=JANUARY):
    contents_of(owner, month, path)
    with owner.transaction():
        drop(owner, month)
        attach(owner, month, rows_of(read_lines(path)))


def verified(book, folder=None):
    reader = book.connect("countersign_app")
    return verify_log(
        reader, known_keys(reader), file_of=lambda month: folder and folder / month.file
    )


def test_the_file_has_the_exact_leaves_in_the_order_of_the_log(aged, owner, tmp_path):
    path = archived(owner, tmp_path)
    lines = list(read_lines(path))
    assert [(line.index, line.entry) for line in lines] == [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6)]
    assert [json.loads(line.leaf)["number"] for line in lines] == [1, 2, 3, 1, 2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = json.loads((tmp_path / "ledger-2025-01.json").read_text())
    assert (said["month"], said["entries"], said["checkpoint"]) == ("2025-01", 5, "note")
    assert said["leaves"] == [{"first": 0, "last": 2}, {"first": 4, "last": 5}]
    (month,) = archived_months(lambda *asked: owner.execute(*asked).fetchall())
    assert (month.name, month.file, month.leaves) == ("2025-01", path.name, ((0, 3), (4, 6)))
    assert month.sha256.hex() == said["sha256"]
    assert sorted(one.name for one in tmp_path.glob("ledger*")) == [
        "ledger-2025-01.json",
        path.name,
    ]


def test_the_log_holds_without_the_month_and_with_its_file(aged, owner, tmp_path):
    archived(owner, tmp_path)
    assert aged.rows("SELECT id FROM ledger_entry ORDER BY id") == [(4,), (7,), (8,), (9,)]
    for folder in (None, tmp_path):
        result = verified(aged, folder)
        assert result.findings == []
        assert (result.size, result.archived, result.months) == (9, 5, ["2025-01"])
    assert aged.log().append(compare_all=True) == 0


def test_what_comes_back_is_what_was_there(aged, owner, tmp_path):
    before = aged.rows(ALL)
    path = archived(owner, tmp_path)
    first = path.read_bytes()
    restored(owner, path)
    assert aged.rows(ALL) == before
    result = verified(aged)
    assert (result.findings, result.archived) == ([], 0)
    write(aged.app)
    assert aged.seal() == 1
    triggers = "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass"
    assert sorted(owner.execute(triggers, ["ledger_entry_2025_01"]).fetchall()) == [
        ("ledger_entry_append_only", "A"), ("ledger_entry_no_truncate", "A"),
    ]  # fmt: skip
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        aged.app.execute("SELECT FROM ledger_entry_2025_01")
    assert archived(owner, tmp_path).read_bytes() == first
    path.unlink()
    owner.execute("DROP TABLE ledger_entry_2025_01")
    assert verified(aged).findings == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE ledger_entry SET payload = convert_to(replace(convert_from(payload, 'UTF8'), "
         "'k1\"', 'k7\"'), 'UTF8') WHERE id = 2", r"entry 2 \(leaf 1\) is not what was sealed"),
        ("UPDATE ledger_entry SET outcome = 'x' WHERE id = 2", r"entry 2 .* \(outcome\)"),
        ("UPDATE ledger_entry SET at = at + interval '1 s' WHERE id = 2", r"entry 2 \(leaf 1\)"),
    ],
)  # fmt: skip
def test_what_was_changed_gets_no_file(aged, owner, tmp_path, statement, told):
    aged.superuser(statement)
    with pytest.raises(BadArchive, match=told):
        archived(owner, tmp_path)
    assert not (tmp_path / file_of(JANUARY)).exists()
    assert JANUARY in online_months(owner)


def swapped(lines):
    return [lines[1], lines[0], *lines[2:]]


def flipped(lines):
    return [Line(one.index, one.entry, one.leaf.replace(b'"k1"', b'"k7"')) for one in lines]


def renumbered(lines):
    return [Line(lines[0].index, 99, lines[0].leaf), *lines[1:]]


@pytest.mark.parametrize("wrong", [swapped, flipped, renumbered])
def test_a_file_that_was_changed_is_not_taken_back(aged, owner, tmp_path, wrong):
    path = archived(owner, tmp_path)
    write_lines(path, wrong(list(read_lines(path))))
    with pytest.raises(BadArchive):
        contents_of(owner, JANUARY, path)
    (finding,) = verified(aged, tmp_path).findings
    assert finding.startswith("The archive of 2025-01: entry")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda body: body[:-9], "not a whole gzip file"),
        (lambda body: b"PK" + body, "not a whole gzip file"),
        (lambda body: gzip.compress(b"x\n"), "a line is not one of an archive"),
        (lambda body: gzip.compress(gzip.decompress(body) + b"9\t9\t{}\n"), "more entries"),
        (lambda body: gzip.compress(gzip.decompress(body)[:-1]), "a line is not one"),
        (lambda body: gzip.compress(gzip.decompress(body).rpartition(b"5\t6\t")[0]), "too early"),
    ],
)
def test_a_file_that_is_not_whole_is_told(aged, owner, tmp_path, change, told):
    path = archived(owner, tmp_path)
    path.write_bytes(change(path.read_bytes()))
    (finding,) = verified(aged, tmp_path).findings
    assert told in finding
    path.unlink()
    assert "No such file" in verified(aged, tmp_path).findings[0]


def test_the_command_reads_the_files_and_misses_none_that_nobody_must_keep(
    aged, owner, tmp_path, monkeypatch
):
    path = archived(owner, tmp_path)
    monkeypatch.setattr(verify_ledger, "own_connection", lambda: aged.connect("countersign_app"))

    def said(**options):
        out = StringIO()
        call_command("verify_ledger", stdout=out, **options)
        return out.getvalue()

    assert "5 of them are archived (2025-01): their leaves were taken as they stand" in said()
    assert "their files were read" in said(archive=tmp_path)
    path.unlink()
    kept, over = datetime(2033, 2, 28, tzinfo=UTC), datetime(2033, 3, 1, tzinfo=UTC)
    monkeypatch.setattr(verify_ledger, "now", lambda: kept)
    with pytest.raises(CommandError, match="1 findings"):
        said(archive=tmp_path)
    monkeypatch.setattr(verify_ledger, "now", lambda: over)
    assert "Everything holds." in said(archive=tmp_path)


def test_a_file_of_another_month_is_not_this_one(aged, owner, tmp_path):
    path = archived(owner, tmp_path)
    assert month_of(path) == JANUARY
    with pytest.raises(BadArchive, match="of another month"):
        contents_of(owner, FEBRUARY, path)


def test_a_month_is_not_waited_for_when_somebody_holds_the_ledger(aged, owner, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_WAIT", "SET LOCAL lock_timeout = '50ms'")
    with aged.app.transaction():
        write(aged.app)
        with pytest.raises(psycopg.errors.LockNotAvailable), owner.transaction():
            detach(owner, JANUARY)
    assert JANUARY in online_months(owner)


def test_a_month_that_was_taken_off_without_a_file_is_missing(aged, owner):
    with owner.transaction():
        detach(owner, JANUARY)
    assert is_kept(owner, JANUARY)
    assert len(verified(aged).findings) == 5


def test_entries_that_came_before_their_month_had_a_table_get_one(aged, owner, tmp_path):
    written_at(owner, "2025-05-20", 2)
    written_at(owner, "2025-06-01", 1)
    aged.seal()
    before = aged.rows(ALL.replace("leaf", "leaf, xid"))
    may, june = date(2025, 5, 1), date(2025, 6, 1)
    assert months_in_rest(owner) == {may, june}
    with owner.transaction():
        attach(owner, may)
    assert months_in_rest(owner) == {june}
    assert may in online_months(owner)
    assert aged.rows(ALL.replace("leaf", "leaf, xid")) == before
    for statement in ("DELETE FROM ledger_entry", "TRUNCATE ledger_entry_rest"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(statement)
    archived(owner, tmp_path, may)
    late = "Entry 12 (leaf 11) was put in later than its time says."  # as this test did
    assert verified(aged, tmp_path).findings == [late]


def test_nobody_but_the_owner_says_that_a_month_is_archived(aged, owner, tmp_path):
    archived(owner, tmp_path)
    assert (is_owner(owner), is_owner(aged.app)) == (True, False)
    add = """INSERT INTO ledger_archive
             SELECT month, now(), file, sha256, entries, leaves FROM ledger_archive"""
    for role in ("countersign_app", "countersign_sealer"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            aged.connect(role).execute(add)
    for statement in ("UPDATE ledger_archive SET file = ''", "DELETE FROM ledger_archive",
                      "TRUNCATE ledger_archive"):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never change"):
            owner.execute(statement)
