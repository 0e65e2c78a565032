"""Redeeming against itself and against everything that ends an approval."""

import json
from datetime import timedelta

import pytest

from approvals.lifecycle.expire import expire_all
from approvals.lifecycle.finish import LOST_AFTER, finish_permit, heartbeat
from approvals.lifecycle.withdraw import revoke_request, withdraw_for_run
from approvals.models import Permit, Request
from approvals.states import PermitStatus, Status
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.factories import ask, decide, redeem
from tests.races.together import agree, errors, later, together

REPEAT = 6


def approved(who):
    return decide(ask(who), who.alice)


def withdraw(who, request):
    return withdraw_for_run(
        token=who.token, request_id=request.id, run_id=request.run["id"], run_attempt=1
    )


def test_eight_at_once_get_one_permit(who):
    for _ in range(REPEAT):
        request = approved(who)
        results = together(*[lambda r=request: redeem(who, r)] * 8)
        assert errors(results) == []
        assert len({result.value.id for result in results}) == 1
        receipts = {json.dumps(result.value.receipt, sort_keys=True) for result in results}
        assert len(receipts) == 1
        assert Permit.objects.filter(request=request).count() == 1
        assert agree(request).status == Status.REDEEMED


@pytest.mark.parametrize(
    ("end", "status", "refusal"),
    [
        (lambda who, r: withdraw(who, r), Status.WITHDRAWN, "NotApproved"),
        (
            lambda who, r: revoke_request(by=who.alice, request_id=r.id, reason="Wait"),
            Status.REVOKED,
            "NotApproved",
        ),
    ],
    ids=["withdraw", "revoke"],
)
def test_redeem_or_the_end_never_both(who, end, status, refusal):
    seen = set()
    for number in range(REPEAT):
        request = approved(who)
        redeemed, ended = together(
            lambda r=request: redeem(who, r), later(4 * number, lambda r=request: end(who, r))
        )
        after = agree(request)
        seen.add(after.status)
        if after.status == Status.REDEEMED:
            assert redeemed.error is None
            assert type(ended.error).__name__ in {"Conflict", "Forbidden", "Moved"}
        else:
            assert after.status == status
            assert errors([redeemed]) == [refusal]
            assert ended.error is None
    assert seen <= {Status.REDEEMED, status}


def test_redeem_or_expiry_never_both(who):
    for _ in range(REPEAT):
        request = approved(who)
        Request.objects.filter(pk=request.pk).update(use_by=now() + timedelta(milliseconds=40))
        redeemed, swept = together(
            lambda r=request: redeem(who, r),
            lambda: [expire_all() for _ in range(12)],
        )
        assert swept.error is None
        expire_all()
        after = agree(request)
        if redeemed.error is None:
            assert after.status == Status.REDEEMED
            assert redeemed.value.issued_at < after.use_by
        else:
            assert errors([redeemed]) == ["Gone"]
            expire_all() if after.status == Status.APPROVED else None
            assert agree(request).status == Status.EXPIRED


def test_two_ends_of_one_permit_leave_one(who):
    for _ in range(REPEAT):
        request = approved(who)
        permit = redeem(who, request)
        run = {"run_id": request.run["id"], "run_attempt": 1}

        def finish(outcome, permit=permit, run=run):
            return finish_permit(
                token=who.token, permit_id=permit.id, outcome=outcome, exit_code=None, **run
            )

        results = together(
            lambda: finish(PermitStatus.SUCCEEDED),
            lambda: finish(PermitStatus.FAILED),
            lambda p=permit, r=run: heartbeat(token=who.token, permit_id=p.id, **r),
        )
        ended = [result for result in results[:2] if result.error is None]
        assert len(ended) == 1
        permit.refresh_from_db()
        assert permit.status == ended[0].value.status
        assert set(errors(results)) == {"Conflict"}
        finished = Entry.objects.filter(request=request.pk, type="permit.finished")
        assert [entry.outcome for entry in finished] == [permit.status]
        agree(request)


def test_of_eight_starts_on_one_permit_one_begins(who):
    for _ in range(REPEAT):
        request = approved(who)
        run = {"run_id": request.run["id"], "run_attempt": 1}

        def start(starter, request=request, run=run):
            permit = redeem(who, request)
            return heartbeat(token=who.token, permit_id=permit.id, starter=starter, **run)

        results = together(*[lambda n=n: start(f"process-{n}") for n in range(8)])
        (begun,) = [n for n, result in enumerate(results) if result.error is None]
        assert errors(results) == ["AlreadyRunning"] * 7
        assert Permit.objects.get(request=request).starter == f"process-{begun}"
        agree(request)


def test_a_heartbeat_and_the_sweep_agree_whether_the_run_is_lost(who):
    for _ in range(REPEAT):
        request = approved(who)
        permit = redeem(who, request)
        run = {"run_id": request.run["id"], "run_attempt": 1}
        heartbeat(token=who.token, permit_id=permit.id, **run)
        Permit.objects.filter(pk=permit.pk).update(heartbeat_at=now() - LOST_AFTER)
        beat, swept = together(
            lambda p=permit, r=run: heartbeat(token=who.token, permit_id=p.id, **r), expire_all
        )
        assert swept.error is None
        permit.refresh_from_db()
        assert permit.status == ("running" if beat.error is None else "lost")
        agree(request)
