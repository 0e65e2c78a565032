"""What time does: it ends things, one row at a time, and never in "go"."""

import threading
from datetime import timedelta

import psycopg
import pytest

from approvals.lifecycle.expire import expire_all
from approvals.lifecycle.finish import LOST_AFTER, finish_permit, heartbeat
from approvals.lifecycle.redeem import Drift, NotApproved
from approvals.models import Permit
from approvals.states import PermitStatus
from portal.directory.groups import remove_member
from portal.directory.models import ApproverGroup
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Gone
from portal.ledger.models import Entry
from tests.conftest import worker_database
from tests.factories import ask, backdate, decide, redeem
from tests.plugin import server_of_this_run

pytestmark = pytest.mark.django_db
PAST = timedelta(seconds=-1)


def shift(row, **times):
    """Set clocks of a row to so long from now; the row as it is then."""
    type(row).objects.filter(pk=row.pk).update(**{k: now() + delta for k, delta in times.items()})
    row.refresh_from_db()
    return row


def last_type(request):
    return Entry.objects.filter(request=request.pk).latest("id").type


def run_of(request):
    return {"run_id": request.run["id"], "run_attempt": 1}


@pytest.fixture
def approved(who):
    return decide(ask(who), who.alice)


@pytest.fixture
def permit(who, approved):
    return redeem(who, approved)


@pytest.fixture
def running(who, approved, permit):
    return heartbeat(token=who.token, permit_id=permit.id, **run_of(approved))


class TestEndings:
    def test_undecided_expires(self, who):
        request = shift(ask(who), decide_by=PAST)
        assert expire_all() == 1
        request.refresh_from_db()
        assert (request.status, last_type(request)) == ("expired", "request.expired")
        assert request.ended_at is not None

    def test_approved_and_unused_expires(self, who, approved):
        shift(approved, use_by=PAST)
        assert expire_all() == 1
        approved.refresh_from_db()
        assert approved.status == "expired"
        with pytest.raises(Gone):
            redeem(who, approved)

    def test_a_permit_never_begun_expires_and_is_no_part_of_the_history(self, who, permit):
        backdate(permit, expires_at=now() + PAST)
        assert expire_all() == 1
        permit.refresh_from_db()
        assert (permit.status, permit.finished_at) == ("expired", None)
        assert ask(who).snapshot.facts["history.last_outcome"]["value"] == "none"

    def test_a_silent_run_is_lost_and_is_part_of_the_history(self, who, approved, running):
        shift(running, heartbeat_at=-LOST_AFTER + PAST)
        assert expire_all() == 1
        running.refresh_from_db()
        assert (running.status, last_type(approved)) == ("lost", "permit.lost")
        assert ask(who).snapshot.facts["history.last_outcome"]["value"] == "lost"

    def test_a_second_sweep_finds_nothing(self, who, running):
        shift(ask(who), decide_by=PAST)
        shift(running, heartbeat_at=-LOST_AFTER + PAST)
        assert (expire_all(), expire_all()) == (2, 0)

    def test_nothing_whose_time_has_not_come_is_touched(self, who, running):
        waiting, used = ask(who), decide(ask(who), who.bob)
        shift(waiting, decide_by=timedelta(seconds=5))
        shift(used, use_by=timedelta(seconds=5))
        shift(running, heartbeat_at=-LOST_AFTER + timedelta(seconds=5))
        assert expire_all() == 0

    def test_what_is_over_has_no_clock_any_more(self, who, approved, permit):
        shift(approved, decide_by=PAST, use_by=PAST)
        rejected = shift(decide(ask(who), who.bob, "reject", "No"), decide_by=PAST)
        assert expire_all() == 0
        rejected.refresh_from_db()
        assert rejected.status == "rejected"

    def test_a_deadline_between_looking_and_locking_is_looked_at_again(self, who):
        from approvals.lifecycle.expire import expire_unused

        request = ask(who)
        assert expire_unused(request.id) is False
        request.refresh_from_db()
        assert request.status == "pending"


class TestNeverGo:
    def test_late_is_refused_before_any_sweep(self, who, approved):
        shift(approved, use_by=PAST)
        with pytest.raises(Gone):
            redeem(who, approved)
        approved.refresh_from_db()
        assert approved.status == "expired", "and it is written down at once"

    def test_use_by_is_set_once(self, who, approved):
        before = approved.use_by
        for act in (lambda: decide(approved, who.bob), lambda: decide(approved, who.alice)):
            with pytest.raises(Conflict):
                act()
        expire_all()
        approved.refresh_from_db()
        assert (approved.use_by, approved.status) == (before, "approved")

    def test_a_new_round_begins_with_a_new_deadline_and_no_time_to_use(self, who, approved):
        group = ApproverGroup.objects.get(name="team-leads")
        remove_member(by=who.admin, group=group, person=who.alice)
        shift(approved, decide_by=timedelta(seconds=5))
        with pytest.raises(Drift):
            redeem(who, approved)
        approved.refresh_from_db()
        assert (approved.status, approved.use_by, approved.approved_at) == ("pending", None, None)
        assert approved.decide_by > now() + timedelta(hours=23)

    def test_asking_for_the_permit_again_does_not_renew_it(self, who, approved, permit):
        expires = permit.expires_at
        assert redeem(who, approved).expires_at == expires
        backdate(permit, expires_at=now() + PAST)
        with pytest.raises(Gone):
            heartbeat(token=who.token, permit_id=permit.id, **run_of(approved))
        with pytest.raises(Gone):
            finish_permit(
                token=who.token, permit_id=permit.id, outcome=PermitStatus.SUCCEEDED, exit_code=0,
                **run_of(approved),
            )  # fmt: skip

    def test_a_heartbeat_after_lost_is_refused_and_changes_nothing(self, who, approved, running):
        shift(running, heartbeat_at=-LOST_AFTER + PAST)
        expire_all()
        with pytest.raises(Conflict, match="lost already"):
            heartbeat(token=who.token, permit_id=running.id, **run_of(approved))
        running.refresh_from_db()
        assert running.status == "lost"

    @pytest.mark.parametrize("end", [PermitStatus.SUCCEEDED, PermitStatus.FAILED])
    def test_the_end_of_a_lost_run_is_told_by_the_run_alone(self, who, approved, running, end):
        """The portal may have been away, not the run."""
        shift(running, heartbeat_at=-LOST_AFTER + PAST)
        expire_all()
        report = {"token": who.token, "permit_id": running.id, "outcome": end, "exit_code": 3}
        with pytest.raises(Forbidden):
            finish_permit(**report, run_id="another", run_attempt=1)
        assert finish_permit(**report, **run_of(approved)).status == end
        assert last_type(approved) == "permit.finished"
        assert finish_permit(**report, **run_of(approved)).status == end, "the same again"
        assert ask(who).snapshot.facts["history.last_outcome"]["value"] == end
        assert ask(who).snapshot.facts["history.failures_7d"]["value"] == (end == "failed")
        with pytest.raises(Conflict):
            heartbeat(token=who.token, permit_id=running.id, **run_of(approved))

    def test_an_expired_request_is_never_redeemed(self, who):
        request = shift(ask(who), decide_by=PAST)
        expire_all()
        with pytest.raises((Gone, NotApproved)):
            redeem(who, request)
        assert not Permit.objects.filter(request=request).exists()


@pytest.mark.django_db(transaction=True)
class TestLocked:
    """What somebody else holds is left alone, not waited for."""

    @pytest.fixture
    def held(self, transactional_db):
        """Holds a request's row from another connection while the block runs."""

        def hold(request):
            connection = psycopg.connect(server_of_this_run().url(database=worker_database()))
            connection.execute(
                "SELECT 1 FROM approvals_request WHERE id = %s FOR UPDATE", [request.pk]
            )
            return connection

        return hold

    @pytest.mark.parametrize("kind", ["undecided", "unused", "unbegun", "silent"])
    def test_the_sweep_passes_by_and_comes_again(self, who, held, kind):
        request = ask(who)
        if kind == "undecided":
            shift(request, decide_by=PAST)
        else:
            decide(request, who.alice)
        if kind == "unused":
            shift(request, use_by=PAST)
        if kind == "unbegun":
            backdate(redeem(who, request), expires_at=now() + PAST)
        if kind == "silent":
            permit = heartbeat(
                token=who.token, permit_id=redeem(who, request).id, **run_of(request)
            )
            shift(permit, heartbeat_at=-LOST_AFTER + PAST)
        with held(request):
            assert expire_all() == 0
        assert expire_all() == 1

    def test_a_sweep_and_a_redeem_at_once_leave_one_outcome(self, who):
        for _ in range(5):
            request = shift(decide(ask(who), who.alice), use_by=timedelta(milliseconds=30))
            results, start = [], threading.Barrier(2)

            def attempt(act, results=results, start=start):
                from django.db import connections

                try:
                    start.wait()
                    for _ in range(12):
                        results.append(act())
                except (Gone, NotApproved) as refused:
                    results.append(refused)
                finally:
                    connections.close_all()

            threads = [
                threading.Thread(target=attempt, args=(act,))
                for act in (expire_all, lambda r=request: redeem(who, r))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            expire_all()  # the sweep comes again; ours may have ended before the time was over
            request.refresh_from_db()
            permits = Permit.objects.filter(request=request).count()
            assert (request.status, permits) in {("expired", 0), ("redeemed", 1)}
            given = {r.id for r in results if isinstance(r, Permit)}
            assert len(given) == permits
