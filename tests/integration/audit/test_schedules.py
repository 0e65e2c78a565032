"""Reports that are sent regularly, from setting one up to the mail and the file."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals import tasks
from approvals.audit.exports import run as exporting
from approvals.audit.schedules import change, run, send
from approvals.models import Export, ReportMail, ReportSchedule
from portal.access import grant_role, revoke_role
from portal.access.models import Organisation
from portal.accounts.people import deactivate_person
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.factories import person
from tests.integration.audit.test_exports import body, one_connection  # noqa: F401
from tests.integration.pages import as_, text
from tests.mail import MailServer

FORM = {"every": "day", "hour": 7, "zone": "Europe/Berlin", "period": "week", "form": "csv"}


@pytest.fixture
def server(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.SENDS_MAIL = "127.0.0.1", True
    settings.DEFAULT_FROM_EMAIL = "countersign@portal.example"
    settings.PUBLIC_URL = "https://portal.example"
    with MailServer() as found:
        settings.EMAIL_PORT = found.port
        yield found


@pytest.fixture
def auditors(who):
    """Olga and Otto audit everything, Paula the project shop; all have an address."""
    organisation = Organisation.objects.get()
    who.auditor, who.otto = person(who.admin, "Olga Auditor"), person(who.admin, "Otto Auditor")
    who.paula = person(who.admin, "Paula Project")
    grant_role(by=who.admin, to=who.auditor, role="auditor", target=organisation)
    grant_role(by=who.admin, to=who.otto, role="auditor", target=organisation)
    grant_role(by=who.admin, to=who.paula, role="auditor", target=who.project)
    for one in (who.auditor, who.otto, who.paula):
        one.email = f"{one.username}@example.com"
        one.save()
    return who


@pytest.fixture
def scheduled(auditors):
    """Set one up on its page; the schedule."""

    def set_up(*people, by=None, report="population", status=302, query=None, **changed):
        address = reverse("schedule-new", args=[report], query=query)
        wanted = FORM | {"recipients": [one.pk for one in people]} | changed
        response = as_(by or auditors.auditor).post(address, wanted)
        assert response.status_code == status, text(response)
        return ReportSchedule.objects.order_by("pk").last() if status == 302 else text(response)

    return set_up


def comes(schedule, slot=None):
    """Its slot comes, and a worker does everything that is due then."""
    slot = slot or now()
    ReportSchedule.objects.filter(pk=schedule.pk).update(next_slot=slot)
    assert run.due_schedules() == [schedule.pk]
    assert run.run_schedule(schedule.pk)
    schedule.refresh_from_db()
    assert send.due_mails() == [], "the file is not there yet"
    for export_id in exporting.due_exports():
        assert exporting.run_export(export_id)
    send_all()
    return Export.objects.latest("pk")


def send_all():
    for mail_id in send.due_mails():
        send.send_mail(mail_id)


def outcomes():
    mails = ReportMail.objects.order_by("pk").select_related("person")
    return {mail.person.name.split()[0]: mail.state for mail in mails}


def entries(name):
    return list(Entry.objects.filter(type=name).order_by("id").values_list("outcome", flat=True))


def test_from_the_report_to_the_mail_and_the_file(auditors, scheduled, server):
    page = as_(auditors.auditor).get(reverse("report", args=["population"]))
    assert "Send regularly" in text(page)
    schedule = scheduled(auditors.auditor, auditors.otto)
    assert "Every day at 07:00, Europe/Berlin" in text(as_(auditors.otto).get(reverse("schedules")))
    export = comes(schedule)
    to = {message["To"] for message in server.messages}
    assert to == {auditors.auditor.email, auditors.otto.email}
    message = server.messages[0]
    said = message.get_content()
    assert message["From"] == "countersign@portal.example"
    assert message["Subject"].startswith("Change population, 20")
    assert not message.is_multipart()
    for part in (
        "Rows: 0",  # the requests are of today, the report of the days before
        export.digest.removeprefix("sha256:"),
        f"https://portal.example/audit/exports/{export.pk}",
        f"https://portal.example/audit/schedules/{schedule.pk}",
        "Olga Auditor set up this report",
    ):
        assert part in said
    assert body(auditors.otto, export) == body(auditors.auditor, export)
    listed = text(as_(auditors.otto).get(reverse("exports")))
    assert "sent regularly" in listed
    assert "Delete" not in listed, "it is Olga's"
    assert as_(auditors.otto).post(reverse("export-delete", args=[export.pk])).status_code == 404
    assert entries("report.scheduled") == [""]
    assert entries("report.mailed") == ["sent", "sent"]
    assert "Sent" in text(as_(auditors.otto).get(reverse("schedule", args=[schedule.pk])))


def test_it_is_changed_by_who_set_it_up_and_says_what_it_was(auditors, scheduled, server):
    schedule = scheduled(auditors.auditor, auditors.otto)
    address = reverse("schedule-change", args=[schedule.pk])
    page = as_(auditors.auditor).get(address).content.decode()
    assert '<option value="Europe/Berlin" selected' in page
    assert page.count(" checked") == 2
    wanted = FORM | {"every": "week", "hour": 9, "form": "jsonl", "recipients": [auditors.otto.pk]}
    assert as_(auditors.otto).post(address, wanted).status_code == 404
    assert as_(auditors.auditor).post(address, wanted | {"hour": 24}).status_code == 422
    assert as_(auditors.auditor).post(address, wanted).status_code == 302
    schedule.refresh_from_db()
    zone = ZoneInfo("Europe/Berlin")
    assert (schedule.next_slot.astimezone(zone).weekday(), schedule.form) == (0, "jsonl")
    changed = json.loads(bytes(Entry.objects.get(type="report.rescheduled").payload))["change"]
    assert changed["before"] == {
        "every": "day", "hour": 7, "zone": "Europe/Berlin", "period": "week", "form": "csv",
        "recipients": sorted(str(one.actor_ref) for one in (auditors.auditor, auditors.otto)),
    }  # fmt: skip
    comes(schedule)
    assert {message["To"] for message in server.messages} == {auditors.otto.email}
    as_(auditors.auditor).post(reverse("schedule-stop", args=[schedule.pk]))
    stopped = as_(auditors.auditor).post(address, wanted)
    assert "It was stopped." in text(stopped)


def test_a_slot_is_taken_once_and_missed_ones_are_made_up_for_once(auditors, scheduled, server):
    schedule = scheduled(auditors.otto)
    export = comes(schedule, now() - timedelta(days=40))
    assert schedule.next_slot > now()
    assert not run.run_schedule(schedule.pk)
    send_all()
    assert (Export.objects.count(), len(server.messages)) == (1, 1)
    last = schedule.next_slot.astimezone(UTC) - timedelta(days=1)
    assert export.wish["until"] == (last - timedelta(days=1)).date().isoformat()
    assert export.wish["since"] == (last - timedelta(days=7)).date().isoformat()


def test_who_audits_it_no_more_by_then_is_left_out_and_that_is_said(auditors, scheduled, server):
    schedule = scheduled(auditors.auditor, auditors.otto)
    revoke_role(
        by=auditors.admin, to=auditors.otto, role="auditor", target=Organisation.objects.get()
    )
    grant_role(by=auditors.admin, to=auditors.otto, role="auditor", target=auditors.project)
    export = comes(schedule)
    assert outcomes() == {"Olga": "sent", "Otto": "left_out"}
    assert [message["To"] for message in server.messages] == [auditors.auditor.email]
    page = text(as_(auditors.auditor).get(reverse("schedule", args=[schedule.pk])))
    assert "Left out Does not audit all of it any more." in page
    assert as_(auditors.otto).get(reverse("export-file", args=[export.pk])).status_code == 404
    assert sorted(entries("report.mailed")) == ["left_out", "sent"]


@pytest.mark.parametrize("leaves", ["revoked", "deactivated"])
def test_it_stops_when_the_one_who_set_it_up_audits_nothing_any_more(
    auditors, scheduled, server, leaves
):
    schedule = scheduled(auditors.otto)
    if leaves == "revoked":
        organisation = Organisation.objects.get()
        revoke_role(by=auditors.admin, to=auditors.auditor, role="auditor", target=organisation)
    else:
        deactivate_person(by=auditors.admin, person=auditors.auditor)
    ReportSchedule.objects.update(next_slot=now())
    assert run.run_schedule(schedule.pk)
    schedule.refresh_from_db()
    assert (schedule.next_slot, Export.objects.count()) == (None, 0)
    page = text(as_(auditors.otto).get(reverse("schedule", args=[schedule.pk])))
    assert "You need the role of an auditor" in page
    assert entries("report.unscheduled") == ["failed"]


def test_only_people_who_audit_all_of_it_can_be_chosen(auditors, scheduled):
    assert "not one of the available choices" in scheduled(auditors.paula, status=422)
    assert "is required" in scheduled(status=422)
    query = {"project": str(auditors.project.pk)}
    schedule = scheduled(auditors.paula, query=query)
    assert schedule.wish == {"project": str(auditors.project.pk)}
    auditors.paula.email = ""
    auditors.paula.save()
    scheduled(auditors.paula, query=query, status=422)


def test_a_project_auditors_report_has_that_project_alone(auditors, scheduled, server):
    export = comes(scheduled(auditors.paula, auditors.otto, by=auditors.paula))
    assert export.covers == [auditors.project.pk]
    assert outcomes() == {"Paula": "sent", "Otto": "sent"}
    assert body(auditors.otto, export)


def test_a_report_that_cannot_be_prepared_is_said_to_be_so(auditors, scheduled, server):
    comes(scheduled(auditors.otto, report="access-review"))
    assert server.messages.pop()["Subject"].startswith("Access review")
    schedule = scheduled(auditors.otto)
    ReportSchedule.objects.filter(pk=schedule.pk).update(next_slot=now())
    run.run_schedule(schedule.pk)
    Export.objects.filter(state="waiting").update(subject="gone")
    (export_id,) = exporting.due_exports()
    exporting.run_export(export_id)
    send_all()
    (message,) = server.messages
    assert message["Subject"].startswith("Not prepared:")
    assert "There is no such report" in message.get_content()


def test_a_mail_server_that_refuses_or_is_away_is_asked_again_and_then_given_up(
    auditors, scheduled, server
):
    server.says["RCPT"] = "451 later"
    comes(scheduled(auditors.otto))
    mail = ReportMail.objects.get()
    assert (mail.state, mail.attempts) == ("waiting", 1)
    assert "451" in mail.why
    assert mail.next_try > now()
    del server.says["RCPT"]
    ReportMail.objects.update(next_try=now())
    send_all()
    assert (outcomes(), len(server.messages)) == ({"Otto": "sent"}, 1)


def test_what_nobody_knows_to_have_gone_out_is_not_sent_again(auditors, scheduled, server):
    server.says["END"] = ""
    comes(scheduled(auditors.otto))
    mail = ReportMail.objects.get()
    assert (mail.state, "may have gone out" in mail.why) == ("failed", True)
    ReportMail.objects.update(state="sending", next_try=now(), why="")
    server.says.clear()
    send_all()
    assert server.messages == []
    assert "A worker was lost" in ReportMail.objects.get().why
    assert entries("report.mailed") == ["failed", "failed"]


def test_after_eight_tries_it_is_given_up(auditors, scheduled, server):
    server.says["EHLO"] = server.says["HELO"] = "554 no"
    comes(scheduled(auditors.otto))
    for _try in range(send.TRIES - 1):
        ReportMail.objects.update(next_try=now())
        send_all()
    assert outcomes() == {"Otto": "failed"}
    assert send.due_mails() == []


def test_without_a_mail_server_the_pages_say_so_and_the_file_waits(auditors, scheduled):
    schedule = scheduled(auditors.otto)
    for name, args in (("schedules", []), ("schedule", [schedule.pk])):
        assert "sets EMAIL_URL" in text(as_(auditors.otto).get(reverse(name, args=args)))
    export = comes(schedule)
    assert outcomes() == {"Otto": "failed"}
    assert (
        export.file_name
        in as_(auditors.otto).get(reverse("schedule", args=[schedule.pk])).content.decode()
    )
    assert body(auditors.otto, export)


def test_stopping_and_leaving(auditors, scheduled, server):
    schedule = scheduled(auditors.auditor, auditors.otto)
    otto, olga = as_(auditors.otto), as_(auditors.auditor)
    assert otto.post(reverse("schedule-stop", args=[schedule.pk])).status_code == 404
    assert otto.post(reverse("schedule-leave", args=[schedule.pk])).status_code == 302
    assert otto.get(reverse("schedule", args=[schedule.pk])).status_code == 404
    comes(schedule)
    assert outcomes() == {"Olga": "sent"}
    page = olga.post(reverse("schedule-stop", args=[schedule.pk]), follow=True)
    assert "Stopped" in text(page)
    assert run.due_schedules() == []
    assert entries("report.unscheduled") == ["left", "stopped"]


def test_a_stranger_to_it_finds_nothing(auditors, scheduled):
    schedule = scheduled(auditors.auditor)
    client = as_(auditors.otto)
    assert client.get(reverse("schedule", args=[schedule.pk])).status_code == 404
    for name in ("schedule-stop", "schedule-leave"):
        assert client.post(reverse(name, args=[schedule.pk])).status_code == 404
    assert "Change population" not in text(client.get(reverse("schedules")))


def test_nobody_has_more_than_twenty_schedules(auditors, scheduled, monkeypatch):
    monkeypatch.setattr(change, "MOST", 1)
    scheduled(auditors.auditor)
    assert "Stop one first" in scheduled(auditors.auditor, status=422)


@pytest.mark.parametrize("wrong", [{"every": "year"}, {"hour": 24}, {"zone": "Mars/Base"},
                                   {"period": "ever"}, {"form": "exe"}])  # fmt: skip
def test_what_is_no_schedule_is_refused(auditors, scheduled, wrong):
    scheduled(auditors.auditor, status=422, **wrong)


def test_the_sweep_finds_all_three(auditors, scheduled, server, monkeypatch):
    woken = []
    monkeypatch.setattr(tasks, "publish", lambda name, *args: woken.append(name))
    schedule = scheduled(auditors.otto)
    ReportSchedule.objects.update(next_slot=now())
    tasks.sweep()
    tasks.schedule_task(str(schedule.pk))
    tasks.sweep()
    tasks.export_task(str(Export.objects.get().pk))
    tasks.sweep()
    tasks.mail_task(str(ReportMail.objects.get().pk))
    ours = [name for name in woken if name in {
        "approvals.schedule", "approvals.export", "approvals.mail"}]  # fmt: skip
    assert ours == ["approvals.schedule", "approvals.export", "approvals.mail"]
    assert len(server.messages) == 1


def test_the_list_asks_the_database_as_often_for_many_as_for_one(auditors, scheduled):
    client, counts = as_(auditors.auditor), []
    for _round in range(2):
        scheduled(auditors.auditor, auditors.otto)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("schedules"))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_the_first_slot_is_in_the_future(auditors, scheduled):
    slot = scheduled(auditors.auditor, hour=0, zone="UTC").next_slot
    assert now() < slot <= now() + timedelta(days=1)
    assert slot.astimezone(UTC).time() == datetime.min.time()
