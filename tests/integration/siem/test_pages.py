"""Pages of streams, as auditors and administrators use them."""

from datetime import timedelta

import pytest
from django.urls import reverse

from approvals.audit.siem import queries
from approvals.audit.siem.configure import create_stream, pause_stream
from approvals.audit.siem.send import send_stream
from approvals.models import SiemStream
from portal.access import grant_role
from portal.access.models import Organisation
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.factories import person
from tests.integration.pages import as_, text
from tests.unit.siem.test_json import verified

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed_at(monkeypatch):
    """When each leaf of the played log was sealed: all at once, a while ago."""
    moment = now() - timedelta(minutes=3)
    monkeypatch.setattr(queries, "fetch", lambda *_: [(moment,)])
    return moment


@pytest.fixture
def auditor(who):
    found = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=found, role="auditor", target=Organisation.objects.get())
    return found


def page(stream, name="siem-stream"):
    return reverse(name, args=[stream.pk])


def test_an_administrator_adds_a_stream_sees_its_secret_once_and_tests_it(
    who, collector, seal, write
):
    write(seal)
    admin = as_(who.admin)
    new = reverse("siem-stream-new")
    assert new in admin.get(reverse("siem-streams")).content.decode()
    filled = {"name": "soc", "kind": "json", "address": f"{collector.url}/in", "private": "on"}
    answer = admin.post(new, filled)
    secret = answer.context["secret"]
    assert "Shown this once" in text(answer) and "no-store" in answer["Cache-Control"]
    made = SiemStream.objects.get()
    for name in ("siem-stream", "siem-stream-edit"):
        assert secret not in admin.get(page(made, name)).content.decode()
    answer = admin.post(page(made, "siem-stream-test"))
    assert "It works" in text(answer)
    (_, _, headers, body) = collector.asked[0]
    assert verified(headers, body, secret)
    made.refresh_from_db()
    assert made.last_sent_at is None  # a test moves nothing
    tested = Entry.objects.get(type="stream.tested")
    assert tested.outcome == "works"


def test_what_a_test_finds_wrong_is_said_and_recorded(who, stream, collector, write, seal):
    write(seal)
    collector.answer(401)
    answer = as_(who.admin).post(page(stream, "siem-stream-test"))
    assert "It does not work its server answers 401" in text(answer)
    assert Entry.objects.get(type="stream.tested").outcome == "fails"


def test_a_test_that_works_wakes_a_stream_that_kept_failing(
    who, stream, collector, write, seal, sealed_at
):
    write(seal)
    collector.answer(500)
    send_stream(stream.pk)
    assert not send_stream(stream.pk)
    collector.answer(200)
    as_(who.admin).post(page(stream, "siem-stream-test"))
    assert send_stream(stream.pk)


def test_position_lag_and_last_error_are_seen(
    who, auditor, stream, collector, write, seal, sealed_at
):
    size = write(seal, 3)
    collector.answer(500)
    send_stream(stream.pk)
    shown = text(as_(auditor).get(page(stream)))
    assert f"Position {size - 3} of {size} sealed entries" in shown
    assert "Behind 3 · the first for 3 min" in shown
    assert "Being tried again" in shown
    assert "Last error its server answers 500" in shown
    listed = text(as_(auditor).get(reverse("siem-streams")))
    assert (
        f"Being tried again its server answers 500 {size - 3} of {size} 3 behind for 3 min"
        in listed
    )


def test_after_five_failures_an_alarm_stands_on_the_page(
    who, auditor, stream, collector, write, seal, sealed_at, now_due
):
    write(seal)
    collector.answer(500)
    for _ in range(5):
        send_stream(stream.pk)
        now_due(stream)
    shown = text(as_(auditor).get(page(stream)))
    assert "its server answers 500 It has failed 5 times in a row" in shown
    assert "Fails" in text(as_(auditor).get(reverse("siem-streams")))


def test_a_stream_that_does_not_keep_up_is_behind(auditor, stream, write, seal, sealed_at):
    write(seal)
    assert "Behind" in text(as_(auditor).get(page(stream)))
    assert queries.standing_of(stream).state == "behind"


def test_auditors_see_no_button_and_other_people_no_page(who, auditor, stream, sealed_at):
    shown = as_(auditor).get(page(stream)).content.decode()
    for name in ("edit", "pause", "replay", "test", "secret", "remove"):
        assert page(stream, f"siem-stream-{name}") not in shown
    assert as_(who.alice).get(page(stream)).status_code == 403


def test_an_auditor_of_a_project_sees_its_streams_alone(who, stream, seal, sealed_at):
    one = person(who.admin, "Pia Project")
    grant_role(by=who.admin, to=one, role="auditor", target=who.project)
    mine, _ = create_stream(
        by=who.admin, name="shop only", kind="ocsf", address="https://siem.example/",
        project=who.project,
    )  # fmt: skip
    listed = text(as_(one).get(reverse("siem-streams")))
    assert "shop only" in listed and "everything" not in listed
    assert as_(one).get(page(mine)).status_code == 200
    assert as_(one).get(page(stream)).status_code == 403
    assert as_(who.mallory).get(page(mine)).status_code == 404
    assert as_(who.alice).get(page(mine)).status_code == 403


def test_pausing_replaying_and_removing_say_first_what_they_do(
    who, stream, collector, write, seal, sealed_at
):
    admin = as_(who.admin)
    assert "Pause siem?" in text(admin.get(page(stream, "siem-stream-pause")))
    assert not SiemStream.objects.get().paused_at
    assert "Paused" in text(admin.post(page(stream, "siem-stream-pause"), follow=True))
    assert "Resumed" in text(admin.post(page(stream, "siem-stream-resume"), follow=True))
    size = write(seal)
    asked = text(admin.get(page(stream, "siem-stream-replay")))
    assert "is sent once more" in asked and f"of {size}" in asked
    admin.post(page(stream, "siem-stream-replay"), {"position": size - 2})
    assert SiemStream.objects.get().position == size - 2
    assert "cannot be undone" in text(admin.get(page(stream, "siem-stream-remove")))
    removed = text(admin.post(page(stream, "siem-stream-remove"), follow=True))
    assert "Nothing is streamed" in removed
    assert "Removed" in text(admin.get(page(stream)))
    assert admin.post(page(stream, "siem-stream-resume")).status_code == 409


def test_a_replay_from_a_time_begins_where_nothing_later_is_before_it(
    who, stream, write, seal, monkeypatch
):
    size, asked = write(seal, 2), []

    def fetch(statement, values):
        if "SELECT at" in statement:
            return [(now(),)]
        asked.extend(values)
        return [(size - 1,)]

    monkeypatch.setattr(queries, "fetch", fetch)
    replay, admin = page(stream, "siem-stream-replay"), as_(who.admin)
    assert admin.post(replay, {"since": "2026-11-25T09:30"}).status_code == 302
    assert SiemStream.objects.get().position == size - 1
    assert asked[0].isoformat().startswith("2026-11-25T09:30:00")
    for wrong in (
        {"position": ""},
        {"position": 1, "since": "2026-11-25T09:30"},
        {"position": size + 1},
    ):
        assert admin.post(replay, wrong).status_code == 422
    assert admin.post(replay, {"position": "-1"}).status_code == 422


def test_the_form_keeps_what_is_secret_and_says_what_is_wrong(who, stream, collector):
    edit, admin = page(stream, "siem-stream-edit"), as_(who.admin)
    filled = {"name": "siem", "address": f"{collector.url}/in", "private": "on"}
    admin.post(edit, {**filled, "authorization": "Splunk s3cret"})
    shown = admin.get(edit).content.decode()
    assert "s3cret" not in shown and "One is set" in shown
    answer = admin.post(edit, {**filled, "address": "nothing", "authorization": "Splunk other"})
    assert answer.status_code == 422 and "Splunk other" not in answer.content.decode()
    assert "address" in answer.context["form"].errors
    assert "kind" not in answer.context["form"].fields


def test_the_entry_of_a_change_leads_to_the_stream(who, auditor, stream, sealed_at):
    pause_stream(by=who.admin, stream=stream)
    entry = Entry.objects.get(type="stream.paused")
    shown = as_(auditor).get(f"/audit/{entry.pk}/").content.decode()
    assert page(stream) in shown
