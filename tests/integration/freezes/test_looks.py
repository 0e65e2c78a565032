"""What waits is judged again when the calendar changes, or when a period begins or ends."""

from datetime import timedelta

import pytest

from approvals import tasks
from approvals.lifecycle import look_again as looking
from approvals.lifecycle.look_again import look_again
from policies.freezes import looks
from policies.freezes.exceptions import revoke_exception
from policies.freezes.looks import LEASE, SETTLE, due_looks, finish, go_on, take_look
from policies.freezes.models import FreezeException, FreezeWindow, ImportedCalendar
from policies.freezes.windows import remove_window
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.factories import ask
from tests.freezes import a_calendar, a_freeze, an_exception, around

pytestmark = pytest.mark.django_db


def look_at_all():
    """What the sweep and a worker do; how many requests were looked at."""
    return sum(look_again(kind, pk) for kind, pk in due_looks())


def status(request):
    request.refresh_from_db()
    return request.status


@pytest.fixture
def clock(monkeypatch):
    """Time as the looks see it: `clock(hours=1)` is an hour from now."""

    def move(**ahead):
        at = now() + timedelta(**ahead)
        monkeypatch.setattr(looks, "now", lambda: at)
        monkeypatch.setattr("approvals.lifecycle.rejudge.now", lambda: at)
        return at

    return move


def test_a_new_freeze_denies_what_waits_in_its_scope_alone(frozen):
    here, there = ask(frozen, "production"), ask(frozen, "production")
    window = a_freeze(frozen.admin, frozen.project, frozen.staging)
    assert look_at_all() == 0
    assert status(here) == "pending"
    remove_window(by=frozen.admin, window=window)
    a_freeze(frozen.admin, frozen.project, frozen.production)
    look_at_all()
    assert [status(here), status(there)] == ["denied", "denied"]


def test_a_freeze_that_begins_while_a_request_waits_is_seen_when_it_begins(frozen, clock):
    request = ask(frozen)
    begins = now() + timedelta(hours=2)
    a_freeze(frozen.admin, when=around(begins, before=timedelta(), after=timedelta(hours=1)))
    look_at_all()
    assert (status(request), due_looks()) == ("pending", [])
    window = FreezeWindow.objects.get()
    clock(seconds=40)
    look_at_all()  # the second look at the moment it was added
    window.refresh_from_db()
    assert window.next_look == begins
    clock(hours=2, seconds=1)
    look_at_all()
    assert status(request) == "denied"


def test_every_moment_is_looked_at_twice_and_then_the_next_one(frozen):
    window = a_freeze(frozen.admin)
    look_at_all()
    window.refresh_from_db()
    assert window.next_look == window.changed_at + SETTLE
    FreezeWindow.objects.update(changed_at=now() - 2 * SETTLE, next_look=now())
    look_at_all()
    window.refresh_from_db()
    assert window.next_look == window.ends_at


def test_an_exception_that_ends_brings_the_freeze_back(frozen, clock):
    a_freeze(frozen.admin, frozen.project, when=around(after=timedelta(days=1)))
    an_exception(frozen.admin, frozen.project)
    request = ask(frozen)
    assert request.status == "pending"
    look_at_all()
    assert status(request) == "pending"
    FreezeException.objects.update(changed_at=now() - 2 * SETTLE, next_look=now())
    look_at_all()
    exception = FreezeException.objects.get()
    assert exception.next_look == exception.until
    clock(hours=1, seconds=1)
    look_at_all()
    assert status(request) == "denied"


def test_a_revoked_exception_brings_the_freeze_back_at_once(frozen):
    a_freeze(frozen.admin, frozen.project)
    exception = an_exception(frozen.admin, frozen.project)
    request = ask(frozen)
    revoke_exception(by=frozen.admin, exception=exception)
    look_at_all()
    assert status(request) == "denied"


def test_a_calendar_that_gets_stale_is_looked_at_when_it_does(frozen):
    calendar = a_calendar(frozen.admin)
    look_at_all()
    ImportedCalendar.objects.update(
        fetched_at=now(), changed_at=now() - 2 * SETTLE, next_look=now()
    )
    look_at_all()
    calendar.refresh_from_db()
    assert calendar.next_look == calendar.fetched_at + timedelta(days=1)


def test_judging_again_what_did_not_change_writes_nothing(frozen):
    ask(frozen)
    window = a_freeze(frozen.admin, frozen.project, frozen.staging)
    FreezeWindow.objects.filter(pk=window.pk).update(environment=frozen.production, starts_at=now()
                                + timedelta(days=3), ends_at=now() + timedelta(days=4))  # fmt: skip
    look_at_all()  # the coming freeze is news
    before = Entry.objects.count()
    FreezeWindow.objects.update(next_look=now())
    assert look_at_all() == 1
    assert Entry.objects.count() == before


def test_a_worker_killed_in_the_middle_leaves_the_rest_due(frozen, clock, monkeypatch):
    monkeypatch.setattr(looking, "BATCH", 2)
    requests = [ask(frozen) for _ in range(5)]
    window = a_freeze(frozen.admin, frozen.project)
    real, seen = looking._look_at, []

    def killed(request_id):
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(request_id)
        real(request_id)

    monkeypatch.setattr(looking, "_look_at", killed)
    with pytest.raises(KeyboardInterrupt):
        look_again("window", window.pk)
    assert [status(r) for r in requests].count("denied") == 3
    assert due_looks() == []  # the lease of the dead
    monkeypatch.setattr(looking, "_look_at", real)
    clock(seconds=LEASE.total_seconds() + 1)
    assert look_again("window", window.pk) == 2  # the rest of those that wait
    assert {status(r) for r in requests} == {"denied"}


def test_a_worker_out_of_time_leaves_the_rest_due_at_once(frozen, monkeypatch):
    monkeypatch.setattr(looking, "BATCH", 2)
    monkeypatch.setattr(looking, "LONGEST", -1.0)
    requests = [ask(frozen) for _ in range(3)]
    window = a_freeze(frozen.admin, frozen.project)
    assert look_again("window", window.pk) == 2
    assert due_looks() == [("window", window.pk)]
    assert look_again("window", window.pk) == 1
    assert {status(r) for r in requests} == {"denied"}


def test_two_workers_never_take_the_same_look(frozen):
    window = a_freeze(frozen.admin)
    assert take_look("window", window.pk) is not None
    assert take_look("window", window.pk) is None


def test_a_change_during_a_look_makes_it_due_again_from_the_beginning(frozen):
    window = a_freeze(frozen.admin)
    look = take_look("window", window.pk)
    remove_window(by=frozen.admin, window=window)
    assert go_on(look, window.pk) is None
    finish(look)
    assert due_looks() == [("window", window.pk)]
    window.refresh_from_db()
    assert window.looked_up_to is None


def test_a_boundary_that_passes_during_a_long_look_is_not_lost(frozen, clock):
    ends = now() + timedelta(minutes=2)
    window = a_freeze(frozen.admin, when=around(now(), after=ends - now()))
    FreezeWindow.objects.update(changed_at=now() - timedelta(hours=1))
    look = go_on(take_look("window", window.pk), window.pk, rest=True)
    assert look is not None
    clock(minutes=5)
    finish(take_look("window", window.pk))
    window.refresh_from_db()
    assert window.next_look <= now() + timedelta(minutes=5)


def test_the_sweep_wakes_workers_for_looks_and_calendars(frozen, monkeypatch):
    window, calendar = a_freeze(frozen.admin), a_calendar(frozen.admin)
    woken = []
    monkeypatch.setattr(tasks, "publish", lambda *message: woken.append(message))
    tasks.sweep()
    assert ("approvals.look_again", "window", str(window.pk)) in woken
    assert ("approvals.look_again", "calendar", str(calendar.pk)) in woken
    assert ("approvals.read_calendar", str(calendar.pk)) in woken


def test_the_tasks_load_by_id_and_do_it(frozen):
    request = ask(frozen)
    window = a_freeze(frozen.admin)
    tasks.look_again_task("window", str(window.pk))
    assert status(request) == "denied"
