"""Files prepared in the background, from the button to their end."""

import hashlib
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.audit.exports import order, run, shelf
from approvals.audit.exports.end import cancel_export, expire_exports
from approvals.audit.exports.kinds import KINDS, Kind
from approvals.audit.reports import download
from approvals.models import Export, ExportChunk
from portal.access import grant_role, revoke_role
from portal.access.models import Organisation
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.factories import person
from tests.integration.pages import as_, text


@pytest.fixture(autouse=True)
def one_connection(monkeypatch):
    """The test's rows are not committed, so the worker writes on the connection it reads on."""

    @contextmanager
    def same():
        yield connection

    monkeypatch.setattr(run, "beside", same)


@pytest.fixture
def ordered(audited):
    """Ask for a report on its page; the export."""

    def ask(by=None, report="population", form="csv", **filters):
        address = reverse("report-prepare", args=[report], query=filters or None)
        response = as_(by or audited.auditor).post(address, {"form": form})
        assert response.status_code == 302, text(response)
        return Export.objects.latest("pk")

    return ask


def finished(export):
    assert run.run_export(export.pk)
    export.refresh_from_db()
    return export


def body(person, export):
    response = as_(person).get(reverse("export-file", args=[export.pk]))
    assert response.status_code == 200, response.content
    content = b"".join(response.streaming_content)
    assert int(response["Content-Length"]) == len(content)
    return content


def entries():
    found = Entry.objects.filter(type__startswith="export.").order_by("id")
    return list(found.values_list("type", "outcome"))


def writes(monkeypatch, parts, expected=0):
    """Let `parts(export, progress)` be what a worker writes."""
    report = KINDS["report"]

    def job(export):
        found = report.job(export)
        replaced = {**vars(found), "expected": lambda: expected}
        return type(found)(**replaced | {"parts": lambda progress: parts(export, progress)})

    monkeypatch.setitem(KINDS, "report", Kind(report.title, job))


def test_from_the_button_to_the_file(audited, ordered):
    auditor = as_(audited.auditor)
    page = auditor.get(reverse("report", args=["population"]))
    assert "Prepare in the background" in text(page)
    export = ordered(form="jsonl")
    assert "Waiting" in text(auditor.get(reverse("exports")))
    finished(export)
    said = text(auditor.get(reverse("exports")))
    assert "Change population" in said
    assert "5 rows" in said
    assert "kept for" in said
    content = body(audited.auditor, export)
    assert export.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    direct = auditor.get(reverse("report-file", args=["population", "jsonl"]))
    assert content == b"".join(direct.streaming_content)
    assert entries()[:3] == [
        ("export.created", ""), ("export.finished", "done"), ("export.fetched", "")
    ]  # fmt: skip


@pytest.mark.parametrize("form", list(download.FORMS))
def test_each_kind_of_file_is_written_in_pieces_and_is_whole_again(
    audited, ordered, form, monkeypatch
):
    monkeypatch.setattr(shelf, "CHUNK", 100)
    export = finished(ordered(form=form))
    assert ExportChunk.objects.filter(export=export).count() == -(-export.size // 100)
    digest = hashlib.sha256(body(audited.auditor, export)).hexdigest()
    assert export.digest == f"sha256:{digest}"


def test_the_filters_and_the_zone_of_the_page_are_those_of_the_file(audited, ordered, taken):
    audited.auditor.time_zone = "Asia/Kolkata"
    audited.auditor.save()
    export = ordered(form="jsonl", environment=str(audited.staging.pk))
    audited.auditor.time_zone = "UTC"
    audited.auditor.save()
    assert export.wish["zone"] == "Asia/Kolkata"
    finished(export)
    assert export.rows == 1
    (line,) = body(audited.auditor, export).splitlines()
    assert b'"environment":"staging"' in line
    local = audited.alone.created_at + timedelta(hours=5, minutes=30)
    assert local.strftime("%Y-%m-%dT%H:%M:%S.%f").encode() in line
    assert "shop · staging" in text(as_(audited.auditor).get(reverse("exports")))


def test_progress_is_seen_while_it_runs_and_the_row_alone_is_asked_for(
    audited, ordered, monkeypatch
):
    seen = []
    auditor = as_(audited.auditor)
    monkeypatch.setattr(shelf, "EVERY", 0.0)

    def parts(export, progress):
        address = reverse("export", args=[export.pk])
        for rows in (1, 2, 3):
            progress(rows)
            seen.append(auditor.get(address, headers={"HX-Request": "true"}).content.decode())
            yield b"row\n"

    writes(monkeypatch, parts, expected=4)
    export = finished(ordered())
    assert [f'max="4" value="{n}"' in part for n, part in enumerate(seen, 1)] == [True] * 3
    assert all("<html" not in part and "every 2s" in part for part in seen)
    last = auditor.get(reverse("export", args=[export.pk]), headers={"HX-Request": "true"})
    assert "every" not in last.content.decode()
    assert "3 rows" in text(last)


def test_progress_is_written_once_in_a_second(audited, ordered, monkeypatch):
    told = []
    monkeypatch.setattr(shelf.Shelf, "_write", lambda _self, statement, *_v: told.append(statement))

    def parts(_export, progress):
        for rows in range(1000):
            progress(rows)
        yield b""

    writes(monkeypatch, parts)
    finished(ordered())
    assert len(told) <= 1


def test_a_cancelled_export_stops_where_it_is(audited, ordered, monkeypatch):
    monkeypatch.setattr(shelf, "CHUNK", 4)
    written = []

    def parts(export, progress):
        for n in range(10):
            if n == 3:
                address = reverse("export-cancel", args=[export.pk])
                assert as_(audited.auditor).post(address).status_code == 302
            written.append(n)
            yield b"row\n"

    writes(monkeypatch, parts)
    export = finished(ordered())
    assert (export.state, written) == ("cancelled", [0, 1, 2, 3])
    assert not ExportChunk.objects.exists()
    assert entries() == [("export.created", ""), ("export.finished", "cancelled")]
    assert not run.run_export(export.pk)
    assert as_(audited.auditor).get(reverse("export-file", args=[export.pk])).status_code == 409


def test_what_a_killed_worker_left_is_begun_again_and_the_late_one_may_not_write(
    audited, ordered, monkeypatch
):
    monkeypatch.setattr(shelf, "CHUNK", 4)
    inner = []

    def parts(export, progress):
        yield b"old\n"
        yield b"old\n"
        if not inner:
            inner.append(1)
            Export.objects.filter(pk=export.pk).update(next_try=now())
            assert run.run_export(export.pk)
        yield b"late"

    writes(monkeypatch, parts)
    export = finished(ordered())
    assert (export.state, export.attempts) == ("ready", 2)
    assert body(audited.auditor, export) == b"old\nold\nlate"
    assert entries()[:2] == [("export.created", ""), ("export.finished", "done")]


def test_one_that_breaks_off_every_time_fails_and_says_so(audited, ordered, monkeypatch, caplog):
    def parts(_export, _progress):
        yield b"some"
        raise RuntimeError("the disk is on fire")

    writes(monkeypatch, parts)
    export = ordered()
    for _turn in range(run.TURNS + 1):
        Export.objects.filter(pk=export.pk).update(next_try=now())
        finished_ = run.run_export(export.pk)
    export.refresh_from_db()
    assert not finished_
    assert (export.state, export.next_try) == ("failed", None)
    assert "broke off 3 times" in text(as_(audited.auditor).get(reverse("exports")))
    assert entries()[-1] == ("export.finished", "failed")
    assert "the disk is on fire" in caplog.text


def test_a_sheet_with_too_many_rows_fails_with_the_way_out(audited, ordered, monkeypatch):
    monkeypatch.setattr(download, "MOST_ROWS", 2)
    assert "Take CSV" in finished(ordered(form="xlsx")).error
    monkeypatch.setattr(shelf, "MOST_BYTES", 100)
    assert "Take a shorter period" in finished(ordered()).error


def test_rights_are_read_again_when_the_worker_runs(audited, ordered):
    export = ordered()
    revoke_role(
        by=audited.admin, to=audited.auditor, role="auditor", target=Organisation.objects.get()
    )
    assert finished(export).state == "failed"
    assert "role of an auditor" in export.error


def test_a_narrower_auditor_gets_a_narrower_file_and_may_not_fetch_the_old_one(audited, ordered):
    everything = finished(ordered())
    organisation = Organisation.objects.get()
    grant_role(by=audited.admin, to=audited.auditor, role="auditor", target=audited.project)
    export = ordered(form="jsonl")
    revoke_role(by=audited.admin, to=audited.auditor, role="auditor", target=organisation)
    assert finished(export).covers == [audited.project.pk]
    assert body(audited.auditor, export)
    old = reverse("export-file", args=[everything.pk])
    assert as_(audited.auditor).get(old).status_code == 403
    revoke_role(by=audited.admin, to=audited.auditor, role="auditor", target=audited.project)
    mine = reverse("export-file", args=[export.pk])
    assert as_(audited.auditor).get(mine).status_code == 403
    assert [name for name, _ in entries()].count("export.fetched") == 1


def test_somebody_elses_export_is_not_found(audited, ordered):
    export = finished(ordered())
    other = person(audited.admin, "Otto Auditor")
    grant_role(by=audited.admin, to=other, role="auditor", target=Organisation.objects.get())
    client = as_(other)
    for name in ("export", "export-file"):
        assert client.get(reverse(name, args=[export.pk])).status_code == 404, name
    for name in ("export-cancel", "export-delete"):
        assert client.post(reverse(name, args=[export.pk])).status_code == 404, name
    assert "Change population" not in text(client.get(reverse("exports")))


def test_a_file_expires_and_its_row_stays(audited, ordered):
    export = finished(ordered())
    assert expire_exports() == 0
    Export.objects.update(expires_at=now())
    assert expire_exports() == 1
    assert not ExportChunk.objects.exists()
    assert "Expired" in text(as_(audited.auditor).get(reverse("exports")))
    assert as_(audited.auditor).get(reverse("export-file", args=[export.pk])).status_code == 410
    assert entries()[-1] == ("export.removed", "expired")


def test_a_deleted_file_is_gone_from_the_list(audited, ordered):
    auditor, export = as_(audited.auditor), ordered()
    address = reverse("export-delete", args=[export.pk])
    assert auditor.post(address).status_code == 409, "it is being prepared"
    finished(export)
    assert "Nothing is being prepared" in text(auditor.post(address, follow=True))
    assert auditor.get(reverse("export", args=[export.pk])).status_code == 404
    assert not ExportChunk.objects.exists()
    assert Export.objects.get().state == "deleted"
    assert entries()[-1] == ("export.removed", "deleted")


def test_nobody_has_more_than_twenty(audited, ordered, monkeypatch):
    monkeypatch.setattr(order, "MOST", 2)
    cancel_export(by=audited.auditor, export=ordered())
    finished(ordered())
    ordered()
    address = reverse("report-prepare", args=["population"])
    response = as_(audited.auditor).post(address, {"form": "csv"})
    assert response.status_code == 409
    assert "Delete some" in text(response)
    assert as_(audited.auditor).post(address, {"form": "exe"}).status_code == 404


def test_no_more_than_two_run_at_once(audited, ordered):
    waiting = [ordered() for _ in range(3)]
    for export in waiting[:2]:
        Export.objects.filter(pk=export.pk).update(
            state="running", next_try=now() + timedelta(minutes=1)
        )
    assert not run.run_export(waiting[2].pk)
    assert run.due_exports() == [waiting[2].pk]
    Export.objects.filter(pk=waiting[0].pk).update(next_try=now())
    assert run.run_export(waiting[2].pk)


def test_fetching_is_in_the_report_of_what_was_read(audited, ordered, taken):
    export = finished(ordered())
    body(audited.auditor, export)
    rows = taken(audited.auditor, "reading")
    assert [row["event"] for row in rows][:3] == [
        "export.created", "export.finished", "export.fetched"
    ]  # fmt: skip
    assert {row["export"] for row in rows[:3]} == {str(export.pk)}
    assert rows[2]["digest"] == export.digest


def test_the_page_asks_the_database_as_often_for_many_as_for_one(audited, ordered):
    auditor = as_(audited.auditor)
    counts = []
    for _round in range(2):
        for _ in range(3):
            ordered(environment=str(audited.staging.pk))
        with CaptureQueriesContext(connection) as queries:
            auditor.get(reverse("exports"))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12
