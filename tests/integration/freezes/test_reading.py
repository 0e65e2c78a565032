"""Calendars read by their address: from a real server here, and never from inside by accident."""

import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from policies.freezes import fetch as fetching
from policies.freezes.calendars import read_calendar, remove_calendar, want_calendar
from policies.freezes.fetch import fetch
from policies.freezes.models import FreezeWindow, ImportedCalendar
from portal.kernel.clock import now
from portal.kernel.outgoing import OutgoingFailed
from portal.ledger.models import Entry
from tests.freezes import a_calendar
from tests.outside import names_lead_to

pytestmark = pytest.mark.django_db


def event(uid, reason="Move", days=3):
    starts = now() + timedelta(days=days)
    return (f"BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{reason}\r\nDTSTART:{starts:%Y%m%dT%H}0000Z\r\n"
            "DURATION:PT3H\r\nEND:VEVENT\r\n")  # fmt: skip


def calendar(*events):
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(events)}END:VCALENDAR\r\n".encode()


class Server:
    """Answers what the test says; `asked` holds the headers of every call."""

    def __init__(self):
        self.status, self.body, self.headers, self.asked = 200, calendar(), {}, []
        self.drips = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(dict(self.headers))
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if outer.drips:
                    for _ in range(100):
                        self.wfile.write(b"X")
                        time.sleep(0.05)
                if outer.status == 200:
                    self.wfile.write(outer.body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/a.ics"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(settings):
    found = Server()
    settings.CALENDAR_HOSTS = [found.host]
    yield found
    found.close()


@pytest.fixture
def imported(who, server):
    """A calendar of the project, at the server's address."""
    return a_calendar(who.admin, who.project, url=server.url)


def read(calendar):
    ImportedCalendar.objects.update(next_try=now())
    assert read_calendar(calendar.pk)
    calendar.refresh_from_db()
    return calendar


def reasons():
    windows = FreezeWindow.objects.filter(removed_at=None)
    return sorted(windows.values_list("reason", flat=True))


def test_windows_follow_the_calendar(imported, server):
    server.body = calendar(event("1"), event("2", "Holiday"))
    read(imported)
    assert reasons() == ["Holiday", "Move"]
    server.body = calendar(event("1", "Move again"), event("3", "Feast"))
    read(imported)
    assert reasons() == ["Feast", "Move again"]
    names = Entry.objects.filter(type__startswith="freeze.").order_by("id")
    assert list(names.values_list("type", "actor_ref")) == [
        ("freeze.created", "system"), ("freeze.created", "system"), ("freeze.created", "system"),
        ("freeze.changed", "system"), ("freeze.removed", "system"),
    ]  # fmt: skip


def test_the_same_again_writes_nothing_and_asks_only_for_news(imported, server):
    server.body, server.headers = calendar(event("1")), {"ETag": '"7"', "Last-Modified": "then"}
    read(imported)
    before = Entry.objects.count()
    server.status = 304
    read(imported)
    assert server.asked[-1]["If-None-Match"] == '"7"'
    assert server.asked[-1]["If-Modified-Since"] == "then"
    assert (reasons(), Entry.objects.count()) == (["Move"], before)
    assert imported.error == ""


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (500, b"", {}, "answers 500"),
        (302, b"", {"Location": "http://127.0.0.1/inside"}, "answers 302"),
        (304, b"", {}, "answers 304"),
        (200, b"x" * 300_000, {}, "larger than 256 KiB"),
        (200, b"<html>", {}, "not an iCalendar file"),
        (200, b"", {"Content-Encoding": "gzip"}, "compressed"),
    ],
)
def test_what_was_read_well_stays_while_the_address_fails(
    imported, server, status, body, headers, words
):
    server.body = calendar(event("1"))
    good = read(imported).fetched_at
    server.status, server.body, server.headers = status, body, headers
    read(imported)
    assert words in imported.error
    assert imported.failing_since is not None
    assert (reasons(), imported.fetched_at) == (["Move"], good)
    assert imported.next_try > now()


def test_pauses_grow_and_end_with_the_first_good_answer(imported, server):
    server.status = 500
    pauses = []
    for _ in range(4):
        read(imported)
        pauses.append(imported.next_try - now())
    assert pauses == sorted(pauses)
    server.status, server.body = 200, calendar()
    read(imported)
    assert (imported.attempts, imported.failing_since, imported.error) == (0, None, "")


def test_a_server_that_drips_is_cut_off(imported, server, monkeypatch):
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    server.drips = True
    read(imported)
    assert "in time" in imported.error


def test_nobody_reads_what_is_not_due_or_taken(imported, server):
    read(imported)
    assert not read_calendar(imported.pk)


def test_an_answer_after_the_lease_or_the_removal_is_thrown_away(
    who, imported, server, monkeypatch
):
    server.body = calendar(event("1"))
    real = fetching.fetch

    def meanwhile(*arguments):
        remove_calendar(by=who.admin, calendar=imported)
        return real(*arguments)

    monkeypatch.setattr("policies.freezes.calendars.fetch", meanwhile)
    assert read_calendar(imported.pk)
    assert reasons() == []
    imported.refresh_from_db()
    assert (imported.fetched_at, imported.next_try) == (None, None)


def test_removing_a_calendar_removes_its_windows(who, imported, server):
    server.body = calendar(event("1"))
    read(imported)
    remove_calendar(by=who.admin, calendar=imported)
    assert reasons() == []
    assert Entry.objects.filter(type="freeze.removed").count() == 1


def test_asking_to_read_again_makes_it_due(who, imported, server):
    read(imported)
    want_calendar(by=who.admin, calendar=imported)
    assert read_calendar(imported.pk)


@pytest.mark.parametrize("resolved", [["10.0.0.1"], ["93.184.215.14", "127.0.0.1"]])
def test_a_name_that_leads_inside_is_not_asked(monkeypatch, resolved):
    names_lead_to(monkeypatch, calendar=[resolved])
    with pytest.raises(OutgoingFailed, match="inside this network"):
        fetch("https://calendar.example/a.ics")


def test_the_address_that_was_checked_is_the_one_that_is_asked(server, settings, monkeypatch):
    """A name service that answers differently the second time changes nothing."""
    settings.CALENDAR_HOSTS = ["listed.example"]
    left = names_lead_to(monkeypatch, listed=[["127.0.0.1"], ["10.9.9.9"]])
    assert fetch(server.url.replace("127.0.0.1", "listed.example")).body == calendar()
    assert server.asked[0]["Host"].startswith("listed.example")
    assert next(left["listed.example"]) == ["10.9.9.9"]


def test_without_being_listed_a_server_inside_is_not_asked(server, settings):
    settings.CALENDAR_HOSTS = []
    with pytest.raises(OutgoingFailed, match="inside this network"):
        fetch(server.url.replace("http://", "https://"))
    assert server.asked == []
