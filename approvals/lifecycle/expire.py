"""What time does: requests nobody decided, approvals nobody used, permits nobody began, lost runs.

Each row is taken under its lock and looked at again; what is locked is somebody else's and comes
up in the next sweep. Neither clock ever ends in "go".
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from approvals.lifecycle.finish import LOST_AFTER, move_permit
from approvals.lifecycle.transition import Change, locked
from approvals.models import Permit, Reading, Request
from approvals.states import WAITING, PermitStatus, Status
from policies.language.verdict import Outcome
from portal.kernel.clock import now
from portal.ledger.actors import SYSTEM

BATCH = 200


def expire_all() -> int:
    """Everything whose time has passed; how many moved."""
    at = now()
    waiting = Request.objects.filter(
        status__in=[s.value for s in WAITING], decide_by__lte=at
    ).order_by("decide_by")
    unused = Request.objects.filter(status=Status.APPROVED.value, use_by__lte=at)
    unstarted = Permit.objects.filter(status=PermitStatus.ISSUED.value, expires_at__lte=at)
    lost = Permit.objects.filter(
        status=PermitStatus.RUNNING.value, heartbeat_at__lte=at - LOST_AFTER
    )
    return (
        _each(waiting.values_list("pk", flat=True)[:BATCH], _expire)
        + _each(unused.values_list("pk", flat=True)[:BATCH], _expire)
        + _each(unstarted.values_list("pk", flat=True)[:BATCH], _expire_permit)
        + _each(lost.values_list("pk", flat=True)[:BATCH], _lose_permit)
    )


def _each(ids: Iterable[UUID], act: Callable[[UUID], bool]) -> int:
    return sum(act(one) for one in list(ids))


def expire_unused(request_id: UUID) -> bool:
    """One approval whose time to use it has passed; whether it moved."""
    return _expire(request_id)


def _expire(request_id: UUID) -> bool:
    with transaction.atomic():
        if not _take(Request.objects.filter(pk=request_id)):
            return False
        request = locked(request_id)
        if not _time_passed(request, now()):
            return False
        change = Change(request, SYSTEM)
        if Status(request.status) in WAITING and _is_blocked(request):
            _deny_unknown(change)
        else:
            change.move(Status.EXPIRED)
        change.save()
        Reading.objects.filter(request=request).update(next_try=None)
    return True


def _is_blocked(request: Request) -> bool:
    return request.verdict is not None and request.verdict.outcome == Outcome.BLOCKED


def _deny_unknown(change: Change) -> None:
    """A deny that could not be told to the end of its time denies."""
    facts = change.request.verdict.body["blocking"] if change.request.verdict else []
    what = ", ".join(facts) or "its condition cannot be computed"
    said = f"Time is over, and what a rule has to know to deny stayed unknown: {what}."
    change.set(ended_reason=said)
    change.move(Status.DENIED, decision={"outcome": "denied", "because": ["unknown"]})


def _time_passed(request: Request, at: datetime) -> bool:
    if request.status == Status.APPROVED:
        return request.use_by is not None and request.use_by <= at
    return (
        Status(request.status) in WAITING
        and request.decide_by is not None
        and request.decide_by <= at
    )


def _take(rows: QuerySet[Request]) -> bool:
    """Lock the row unless somebody holds it."""
    return rows.select_for_update(skip_locked=True).values_list("pk").first() is not None


def _expire_permit(permit_id: UUID) -> bool:
    return _end(permit_id, Q(status="issued", expires_at__lte=now()), PermitStatus.EXPIRED)


def _lose_permit(permit_id: UUID) -> bool:
    silent = Q(status="running", heartbeat_at__lte=now() - LOST_AFTER)
    return _end(permit_id, silent, PermitStatus.LOST)


def _end(permit_id: UUID, condition: Q, to: PermitStatus) -> bool:
    """Lock request, then permit, as every writer does, and look again."""
    found = Permit.objects.filter(condition, pk=permit_id).first()
    if found is None:
        return False
    with transaction.atomic():
        if not _take(Request.objects.filter(pk=found.request_id)):
            return False
        request = locked(found.request_id)
        permit = Permit.objects.select_for_update().filter(condition, pk=permit_id).first()
        if permit is None:
            return False
        permit.request = request
        # What never began did not run: it is no part of the environment's history.
        ended = {"finished_at": now()} if to == PermitStatus.LOST else {}
        move_permit(permit, to, SYSTEM, **ended)
    return True
