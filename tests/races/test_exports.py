"""Exports seen and cancelled from elsewhere while they run, and left by a dead worker."""

import threading

import pytest
from django.conf import settings
from django.db import connection, connections

from approvals.audit.exports import run, shelf
from approvals.audit.exports.end import cancel_export
from approvals.audit.exports.kinds import KINDS, Kind
from approvals.audit.exports.order import order_export
from approvals.audit.reports import write_text
from approvals.audit.reports.filters import report_filters
from approvals.audit.schedules import send
from approvals.audit.schedules.change import create_schedule
from approvals.audit.schedules.run import run_schedule
from approvals.audit.scope import audit_scope
from approvals.models import Export, ExportChunk, ReportMail, ReportSchedule
from portal.access import grant_role
from portal.access.models import Organisation
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.factories import ask, person
from tests.races.together import together
from tests.server import Child, database_url, eventually

WISH = {"since": "2026-01-01", "until": "2200-01-01", "zone": "UTC"}
# A worker that writes one chunk and is then busy for as long as anybody lets it.
BUSY = """
import sys, time, django
from uuid import UUID
django.setup()
from approvals.audit.exports import run, shelf
from approvals.audit.reports import download
def busy(names, rows):
    yield from (b"torn" for row in rows)
    time.sleep(600)
form = download.FORMS["csv"]
download.FORMS["csv"] = download.Form("csv", form.content_type, busy)
shelf.CHUNK = 4
run.run_export(UUID(sys.argv[1]))
"""


@pytest.fixture
def auditor(who):
    found = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=found, role="auditor", target=Organisation.objects.get())
    ask(who)
    return found


@pytest.fixture
def export(auditor):
    return order_export(by=auditor, kind="report", subject="population", form="csv", wish=WISH)


def how_far():
    found = Export.objects.values_list("state", "rows", "chunks__number")
    return found.order_by("chunks__number").last()


def elsewhere(call):
    """What `call` gives on another connection, as another process would see it."""
    found = []

    def run_it():
        try:
            found.append(call())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run_it, daemon=True)
    thread.start()
    thread.join(30)
    return found[0]


def test_others_see_how_far_it_is_and_can_cancel_it_while_its_transaction_is_open(
    auditor, export, monkeypatch
):
    monkeypatch.setattr(shelf, "EVERY", 0.0)
    monkeypatch.setattr(shelf, "CHUNK", 4)
    monkeypatch.setattr(write_text, "TOGETHER", 1)
    report, seen = KINDS["report"], []

    def slow(job):
        def parts(progress):
            for part in job.parts(progress):
                yield part
                if connection.in_atomic_block:  # the line of names comes before it
                    seen.append(elsewhere(how_far))
                    elsewhere(lambda: cancel_export(by=auditor, export=export))

        return type(job)(**vars(job) | {"parts": parts})

    monkeypatch.setitem(KINDS, "report", Kind(report.title, lambda one: slow(report.job(one))))
    assert run.run_export(export.pk)
    ((state, rows, last_chunk),) = seen
    assert (state, rows) == ("running", 1)
    assert last_chunk > 1
    export.refresh_from_db()
    assert export.state == "cancelled"
    assert not ExportChunk.objects.exists()


def test_of_two_workers_one_takes_the_slot_and_one_sends_the_mail(auditor, export, monkeypatch):
    cancel_export(by=auditor, export=export)
    auditor.email = "olga@example.com"
    auditor.save()
    schedule = create_schedule(
        by=auditor,
        filters=report_filters(audit_scope(auditor), {}),
        recipients=[auditor],
        report="population",
        form="csv",
        every="day",
        hour=7,
        zone="UTC",
        period="day",
    )
    ReportSchedule.objects.update(next_slot=now())
    took = together(*[lambda: run_schedule(schedule.pk)] * 4)
    assert sorted(result.value for result in took) == [False, False, False, True]
    (made,) = Export.objects.filter(schedule=schedule)
    wrote = together(*[lambda: run.run_export(made.pk)] * 3)
    assert sorted(result.value for result in wrote) == [False, False, True]
    mail = ReportMail.objects.get()
    sent = []
    monkeypatch.setattr(send, "_to_server", sent.append)
    monkeypatch.setattr(settings, "SENDS_MAIL", True)
    together(*[lambda: send.send_mail(mail.pk)] * 4)
    mail.refresh_from_db()
    assert (len(sent), mail.state) == (1, "sent")


def test_a_worker_that_is_killed_leaves_nothing_of_its_file(export):
    before = Entry.objects.latest("id").id
    worker = Child(["-c", BUSY, str(export.pk)], {
        "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "portal.config.settings"
    })  # fmt: skip
    worker.start()
    try:
        eventually(ExportChunk.objects.exists, "a chunk is there")
    finally:
        worker.kill()
        worker.stop()
    assert not run.run_export(export.pk), "its lease holds"
    Export.objects.update(next_try=now())
    assert run.run_export(export.pk)
    export.refresh_from_db()
    whole = b"".join(shelf.read_file(export))
    assert (export.state, len(whole)) == ("ready", export.size)
    assert b"torn" not in whole
    finished = Entry.objects.filter(type="export.finished", id__gt=before)
    assert [entry.outcome for entry in finished] == ["done"]
