"""The log is verified every night and on demand; what came out stands in a row and on a page."""

import json
from datetime import timedelta

import psycopg
import pytest

from approvals import tasks
from approvals.audit import verification
from approvals.audit.verification import (
    LEASE,
    due_verifications,
    last_verification,
    run_verification,
    verify_now,
)
from approvals.models import Verification
from portal.access import grant_role
from portal.kernel.clock import now
from portal.ledger.models import Entry
from portal.ledger.note import BadNote
from tests.factories import person
from tests.integration.pages import as_, text
from tests.integration.sealing.book import write

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(who):
    found = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=found, role="auditor", target=who.project)
    return found


@pytest.fixture
def log(book, monkeypatch):
    """What is verified: three entries of a ledger of its own, sealed."""
    write(book.app, 3)
    book.seal()
    monkeypatch.setattr(verification, "own_connection", lambda: book.connect("countersign_app"))
    return book


def carried_out():
    """What a worker does with all that is due; how many were done."""
    return sum(run_verification(one) for one in due_verifications())


def shift(at, monkeypatch):
    monkeypatch.setattr(verification, "now", lambda: at)


def test_once_a_night_nobody_has_to_ask(log, monkeypatch):
    assert (carried_out(), carried_out()) == (1, 0)
    last = last_verification()
    assert (last.asked_by, last.size, last.done, last.unsealed) == (None, 3, 3, 0)
    assert (last.found, last.next_try) == (0, None)
    shift(now() + timedelta(days=1), monkeypatch)
    assert len(due_verifications()) == 1


def test_the_result_is_on_record_with_who_asked(log, who, auditor):
    verify_now(by=auditor)
    assert carried_out() == 1
    (entry,) = Entry.objects.filter(type="ledger.verified")
    assert (entry.actor_ref, entry.outcome) == (str(auditor.actor_ref), "holds")
    said = json.loads(bytes(entry.payload))["object"]
    assert (said["kind"], said["size"], said["findings"]) == ("ledger", 3, [])


def test_what_is_found_is_told_in_words_and_raises_the_alarm(log, who, auditor):
    log.superuser("DELETE FROM ledger_entry WHERE id = 2")
    carried_out()
    page = text(as_(auditor).get("/audit/seal/"))
    assert "Entry 2 (leaf 1) is missing." in page
    assert "The ledger is not what was sealed." in page
    (entry,) = Entry.objects.filter(type="ledger.verified")
    assert entry.outcome == "broken"
    assert json.loads(bytes(entry.payload))["object"]["findings"] == [
        "Entry 2 (leaf 1) is missing."
    ]


def test_the_page_says_when_all_of_it_held_and_alarms_after_two_days(log, who, auditor):
    client = as_(auditor)
    assert "Not yet" in text(client.get("/audit/seal/"))
    carried_out()
    page = text(client.get("/audit/seal/"))
    assert "Everything holds" in page and "it is done every night" in page
    Verification.objects.update(finished_at=now() - timedelta(hours=49))
    page = text(client.get("/audit/seal/"))
    assert "Too long ago" in page and "not verified for more than two days" in page


def test_two_who_press_get_one_verification(log, who, auditor):
    client = as_(auditor)
    for _ in range(2):
        assert client.post("/audit/seal/verify").status_code == 302
    assert "Waits for a worker" in text(client.get("/audit/seal/"))
    assert Verification.objects.count() == 1
    assert len(due_verifications()) == 1, "and the night's waits for it"
    assert as_(who.mallory).post("/audit/seal/verify").status_code == 403


def test_a_killed_workers_verification_comes_up_again_and_the_old_one_says_nothing(
    log, monkeypatch
):
    (wanted,) = due_verifications()
    taken = verification.take(Verification.objects.filter(pk=wanted), LEASE)
    assert run_verification(wanted) is False, "somebody has it"
    with monkeypatch.context() as later:
        later.setattr("portal.kernel.due.now", lambda: now() + LEASE + timedelta(seconds=1))
        assert run_verification(wanted) is True
    with pytest.raises(verification.LeaseLost):
        verification._Progress(taken).said(1, 3)
    assert last_verification().attempts == 2


def test_progress_stands_in_the_row_and_keeps_the_lease(log):
    (wanted,) = due_verifications()
    taken = verification.take(Verification.objects.filter(pk=wanted), LEASE)
    before = taken.next_try
    verification._Progress(taken).said(5000, 12000)
    row = Verification.objects.get()
    assert (row.done, row.size) == (5000, 12000)
    assert row.next_try == taken.next_try > before


@pytest.mark.parametrize("problem", [psycopg.OperationalError("it closed"), BadNote("no key")])
def test_what_cannot_end_says_why_and_is_tried_again(log, auditor, monkeypatch, problem):
    def fails():
        raise problem

    monkeypatch.setattr(verification, "own_connection", fails)
    assert carried_out() == 0
    row = Verification.objects.get()
    assert (row.finished_at, row.attempts) == (None, 1)
    assert row.error == f"{type(problem).__name__}: {problem}"
    page = text(as_(auditor).get("/audit/seal/"))
    assert "The verification could not end" in page and row.error in page
    assert row.next_try > now() + timedelta(seconds=30)
    assert not Entry.objects.filter(type="ledger.verified").exists()


def test_the_sweep_asks_a_worker(log, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks, "publish", lambda *call: asked.append(call))
    tasks.sweep()
    assert ("approvals.verify", str(Verification.objects.get().pk)) in asked
    tasks.verify_task(str(Verification.objects.get().pk))
    assert last_verification().size == 3
