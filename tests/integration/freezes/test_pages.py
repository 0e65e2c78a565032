"""The pages of the calendar, as people use them."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from policies.freezes.models import CalendarFeed, FreezeException, FreezeWindow, ImportedCalendar
from portal.access import grant_role, revoke_role
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.factories import ask, person
from tests.freezes import a_calendar, a_freeze, an_exception, around
from tests.integration.pages import as_, text

pytestmark = pytest.mark.django_db

WINDOW = {
    "kind": "freeze", "scope": "organisation", "reason": "Year end", "zone": "Europe/Lisbon",
    "starts": "2026-12-20T18:00", "ends": "2027-01-03T08:00", "repeats": "", "rule": "",
    "last_day": "",
}  # fmt: skip
FILE = b"""BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Holiday\r
DTSTART;VALUE=DATE:%s\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"""


@pytest.fixture
def window_form():
    """A freeze in a month, whenever the tests run."""
    starts = now() + timedelta(days=30)
    return {**WINDOW, "starts": f"{starts:%Y-%m-%dT18:00}",
            "ends": f"{starts + timedelta(days=14):%Y-%m-%dT08:00}"}  # fmt: skip


@pytest.fixture
def ics():
    return FILE % f"{now() + timedelta(days=40):%Y%m%d}".encode()


def upload(body, **fields):
    file = SimpleUploadedFile("holidays.ics", body, content_type="text/calendar")
    return {"scope": "organisation", "kind": "freeze", "zone": "UTC", "file": file, **fields}


def test_the_list_says_what_is_in_force_what_comes_and_who_is_exempt(who):
    a_freeze(who.admin, who.project, reason="Now")
    a_freeze(who.admin, reason="Later", when=around(now() + timedelta(days=3)))
    a_freeze(who.admin, kind="business_hours", reason="Office")
    an_exception(who.admin, who.project, who.staging)
    shown = text(as_(who.alice).get("/freezes/"))
    order = ["In force now", " Now ", "In force,", "INC-4711", "Coming next", " Later ", " Office "]
    assert [shown.index(word) for word in order] == sorted(shown.index(word) for word in order)


def test_an_outsider_sees_what_reaches_everybody_and_nothing_of_a_project(who):
    a_freeze(who.admin, reason="Everywhere")
    a_freeze(who.admin, who.project, reason="Shop only")
    shown = text(as_(who.mallory).get("/freezes/"))
    assert "Everywhere" in shown
    assert "Shop only" not in shown
    assert "Shop only" in text(as_(who.alice).get("/freezes/"))


def test_who_sees_one_environment_sees_its_windows_and_those_of_its_project(who):
    guest = person(who.admin, "Gus Guest")
    grant_role(by=who.admin, to=guest, role="viewer", target=who.staging)
    for environment in (None, who.staging, who.production):
        a_freeze(who.admin, who.project, environment, reason=f"On {environment}")
    shown = text(as_(guest).get("/freezes/"))
    assert [f"On {name}" in shown for name in ("None", "staging", "production")] == [
        True, True, False,
    ]  # fmt: skip


def test_a_window_is_made_in_its_own_time_zone_and_recorded(who, window_form):
    response = as_(who.admin).post("/freezes/new", window_form)
    window = FreezeWindow.objects.get()
    assert response["Location"] == f"/freezes/{window.pk}"
    assert (window.starts_at.hour, window.zone) == (18, "Europe/Lisbon")
    entry = Entry.objects.get(type="freeze.created")
    assert entry.actor_ref == str(who.admin.actor_ref)
    assert b"Year end" not in bytes(entry.payload)


def test_a_maintainer_offers_and_gets_only_their_own_scopes(who, window_form):
    keeper = person(who.admin, "Mia Maintainer")
    grant_role(by=who.admin, to=keeper, role="maintainer", target=who.project)
    page = as_(keeper).get("/freezes/new").content.decode()
    assert 'value="organisation"' not in page
    assert f'value="project:{who.project.pk}"' in page
    assert as_(keeper).post("/freezes/new", window_form).status_code == 422
    ours = {**window_form, "scope": f"environment:{who.production.pk}"}
    assert as_(keeper).post("/freezes/new", ours).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("repeats", "custom", "Write the rule"),
        ("ends", "2020-01-01T00:00", "end after"),
        ("starts", "2027-03-28T01:30", "no such time"),
        ("zone", "Mars/Base", "Select a valid choice"),
        ("starts", "yesterday", "Write it like"),
        ("reason", "a\x00b", "Null characters"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(who, window_form, field, value, words):
    response = as_(who.admin).post("/freezes/new", {**window_form, field: value})
    assert response.status_code == 422
    assert words in text(response)


def test_a_repeating_window_shows_its_next_times_and_can_be_changed(who, window_form):
    window_form["ends"] = window_form["starts"][:11] + "22:00"
    form = {**window_form, "repeats": "weekly"}
    page = as_(who.admin).post("/freezes/new", form, follow=True)
    window = FreezeWindow.objects.get()
    assert window.rule.startswith("FREQ=WEEKLY;BYDAY=")
    assert text(page).count("18:00 – ") == 8
    edit = as_(who.admin).get(f"/freezes/{window.pk}/edit").content.decode()
    assert window.rule in edit
    changed = {**form, "repeats": "custom", "rule": window.rule, "reason": "Weekend"}
    as_(who.admin).post(f"/freezes/{window.pk}/edit", changed)
    window.refresh_from_db()
    assert window.reason == "Weekend"
    assert b"starts_at" not in bytes(Entry.objects.get(type="freeze.changed").payload)


def test_the_last_day_still_counts_and_the_day_after_does_not(who, window_form):
    starts = now() + timedelta(days=30)
    form = {**window_form, "ends": f"{starts:%Y-%m-%d}T20:00", "repeats": "FREQ=DAILY",
            "last_day": f"{starts + timedelta(days=2):%Y-%m-%d}"}  # fmt: skip
    page = as_(who.admin).post("/freezes/new", form, follow=True)
    assert text(page).count("18:00 – ") == 3


def test_ending_a_running_window_keeps_the_times_to_come(who):
    at = now().replace(microsecond=0)
    when = type(around())(at - timedelta(hours=1), at + timedelta(hours=1), "UTC", "FREQ=DAILY")
    window = a_freeze(who.admin, when=when)
    client = as_(who.admin)
    assert "End “Year end” now?" in text(client.get(f"/freezes/{window.pk}/end"))
    client.post(f"/freezes/{window.pk}/end")
    window.refresh_from_db()
    assert window.excluded == [when.starts_at]
    assert client.post(f"/freezes/{window.pk}/end").status_code == 409
    assert "No freeze is in force" in text(client.get("/freezes/"))
    assert "Year end" in text(client.get("/freezes/"))


def test_a_removed_window_leaves_the_list_and_stays_on_its_own_page(who):
    window = a_freeze(who.admin)
    client = as_(who.admin)
    client.post(f"/freezes/{window.pk}/remove")
    assert "Year end" not in text(client.get("/freezes/"))
    assert "Removed" in text(client.get(f"/freezes/{window.pk}"))
    assert client.post(f"/freezes/{window.pk}/remove").status_code == 409
    assert Entry.objects.filter(type="freeze.removed").count() == 1


def test_an_exception_is_granted_until_a_time_in_its_zone_and_revoked(who):
    until = now() + timedelta(hours=30)
    form = {"scope": f"environment:{who.staging.pk}", "name": "INC-1", "reason": "Down",
            "action": "deploy", "zone": "UTC", "until": f"{until:%Y-%m-%dT%H:%M}"}  # fmt: skip
    client = as_(who.admin)
    assert client.post("/freezes/exceptions/new", form).status_code == 302
    exception = FreezeException.objects.get()
    assert abs(exception.until - until) < timedelta(minutes=1)
    assert not exception.lifts_organisation
    client.post(f"/freezes/exceptions/{exception.pk}/revoke")
    exception.refresh_from_db()
    assert exception.revoked_at is not None
    kinds = set(Entry.objects.filter(type__startswith="freeze_exception").values_list("type"))
    assert kinds == {("freeze_exception.granted",), ("freeze_exception.revoked",)}


def test_a_maintainer_cannot_lift_a_freeze_of_the_organisation(who):
    keeper = person(who.admin, "Mia Maintainer")
    grant_role(by=who.admin, to=keeper, role="maintainer", target=who.project)
    form = {"scope": f"project:{who.project.pk}", "name": "INC-1", "reason": "Down", "action": "",
            "zone": "UTC", "until": f"{now() + timedelta(hours=3):%Y-%m-%dT%H:%M}",
            "lifts_organisation": "on"}  # fmt: skip
    as_(keeper).post("/freezes/exceptions/new", form)
    assert not FreezeException.objects.get().lifts_organisation
    as_(who.admin).post("/freezes/exceptions/new", form)
    assert FreezeException.objects.filter(lifts_organisation=True).count() == 1


def test_an_exception_for_ever_is_refused(who):
    form = {"scope": f"project:{who.project.pk}", "name": "INC-1", "reason": "Down", "action": "",
            "zone": "UTC", "until": "2040-01-01T00:00"}  # fmt: skip
    response = as_(who.admin).post("/freezes/exceptions/new", form)
    assert "in the next 90 days" in text(response)


def confirm(client, page):
    """Press Import on the page that shows what a file holds."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    fields.pop("csrfmiddlewaretoken")
    return client.post("/freezes/import/confirm", fields)


def test_a_file_is_shown_before_it_counts_and_the_same_again_changes_nothing(who, ics):
    client = as_(who.admin)
    page = client.post("/freezes/import", upload(ics))
    assert "Holiday" in text(page)
    assert not FreezeWindow.objects.exists()
    assert confirm(client, page.content.decode()).status_code == 302
    window = FreezeWindow.objects.get()
    assert (window.reason, window.rule) == ("Holiday", "FREQ=YEARLY")
    again = client.post("/freezes/import", upload(ics))
    assert "Everything in the file is there already" in text(again)
    moved = client.post("/freezes/import", upload(ics.replace(b"Holiday", b"Feast")))
    confirm(client, moved.content.decode())
    window.refresh_from_db()
    assert window.reason == "Feast"
    names = Entry.objects.filter(type__startswith="freeze").order_by("id").values_list("type")
    assert [name for (name,) in names] == [
        "freeze_calendar.imported", "freeze.created", "freeze_calendar.imported", "freeze.changed",
    ]  # fmt: skip


def test_a_bad_file_is_refused_with_its_sentence_and_nothing_is_kept(who, ics):
    bad = ics.replace(b"FREQ=YEARLY", b"FREQ=SECONDLY")
    response = as_(who.admin).post("/freezes/import", upload(bad))
    assert response.status_code == 422
    assert "may not repeat more often than daily" in text(response)
    assert "larger than 256 KiB" in text(as_(who.admin).post("/freezes/import",
                                                             upload(b"x" * 300_000)))  # fmt: skip


def test_what_was_shown_can_be_confirmed_for_ones_own_scopes_only(who, ics):
    keeper = person(who.admin, "Mia Maintainer")
    grant_role(by=who.admin, to=keeper, role="maintainer", target=who.project)
    form = {"scope": "organisation", "kind": "freeze", "zone": "UTC", "text": ics.decode()}
    assert as_(keeper).post("/freezes/import/confirm", form).status_code == 409
    assert not FreezeWindow.objects.exists()
    ours = {**form, "scope": f"project:{who.project.pk}"}
    assert as_(keeper).post("/freezes/import/confirm", ours).status_code == 302


@pytest.mark.parametrize(
    "url",
    ["http://example.com/a.ics", "ftp://example.com/", "https://", "https://u:p@example.com/",
     "https://exa mple.com/", "javascript:alert(1)", "https://example.com:99999/", "file:///etc"],
)  # fmt: skip
def test_an_address_that_may_not_be_asked_is_refused(who, url):
    form = {"scope": "organisation", "name": "Ops", "kind": "freeze", "zone": "UTC"}
    client = as_(who.admin)
    assert client.post("/freezes/calendars/new", {**form, "url": url}).status_code == 422
    good = {**form, "url": "https://example.com/secret-4711.ics"}
    assert client.post("/freezes/calendars/new", good).status_code == 302
    assert b"secret-4711" not in bytes(Entry.objects.get(type="freeze_calendar.added").payload)
    assert "secret-4711" not in client.get("/freezes/").content.decode()


def test_a_calendar_that_cannot_be_read_is_shown_with_why_and_since_when(who):
    a_calendar(who.admin)
    ImportedCalendar.objects.update(error="its server answers 404", failing_since=now())
    shown = text(as_(who.alice).get("/freezes/"))
    assert "The calendar Holidays cannot be read" in shown
    assert "its server answers 404" in shown
    assert "No freeze is known to be in force" in shown


def feed_address(client):
    page = client.post("/freezes/feeds", {"name": "phone"}).content.decode()
    return re.search(r"/freezes/feed/csf_[^\"]+", page)[0]


def test_a_feed_needs_no_session_and_shows_what_its_owner_may_see_at_that_moment(who, client):
    a_freeze(who.admin, reason="Everywhere")
    a_freeze(who.admin, who.project, reason="Shop only")
    address = feed_address(as_(who.alice))
    answer = client.get(address)
    assert answer["Content-Type"].startswith("text/calendar")
    assert b"Everywhere" in answer.content
    assert b"Shop only" in answer.content
    revoke_role(by=who.admin, to=who.alice, role="viewer", target=who.project)
    assert b"Shop only" not in client.get(address).content
    assert client.post(address).status_code == 405


def test_a_revoked_feed_and_one_of_a_deactivated_person_answer_404(who, client):
    from portal.accounts.people import deactivate_person

    alice = as_(who.alice)
    first, second = feed_address(alice), feed_address(alice)
    feed = CalendarFeed.objects.order_by("created_at").first()
    assert client.get(first).status_code == 200
    alice.post(f"/freezes/feeds/{feed.pk}/revoke")
    assert [client.get(a).status_code for a in (first, second)] == [404, 200]
    deactivate_person(by=who.admin, person=who.alice)
    assert client.get(second).status_code == 404


@pytest.mark.parametrize("token", ["csf_0", "csf_" + "0" * 12 + "_" + "0" * 64, "x"])
def test_a_token_that_is_none_answers_404(db, client, token):
    assert client.get(f"/freezes/feed/{token}.ics").status_code == 404


def test_only_the_hash_of_a_feeds_secret_is_stored_and_it_is_shown_once(who):
    alice = as_(who.alice)
    secret = feed_address(alice).split("_")[-1].removesuffix(".ics")
    assert secret not in alice.get("/freezes/feeds").content.decode()
    feed = CalendarFeed.objects.get()
    assert secret.encode() not in bytes(feed.secret_hash)
    assert secret.encode() not in bytes(Entry.objects.get(type="freeze_feed.created").payload)


def test_the_queue_marks_a_freeze_that_runs_or_comes_within_a_day(who):
    a_freeze(who.admin, who.project, when=around(now() + timedelta(hours=5)))
    ask(who)
    shown = text(as_(who.alice).get("/"))
    assert "freeze from" in shown
    a_freeze(who.admin, who.project)
    ask(who)
    assert "freeze until" in text(as_(who.alice).get("/"))
