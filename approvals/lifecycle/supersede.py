"""A newer request for the same target retires the older ones that still wait, if policy says so.

The newer one carries a mark until this is done, so a lost message is found by the sweep. Every
request moves in a transaction of its own, and legs of one run never retire each other.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from approvals.lifecycle.transition import Change, locked
from approvals.models import Reading, Request
from approvals.states import WAITING, Status
from portal.ledger.actors import SYSTEM

BATCH = 200


def retire_older(request_id: UUID) -> int:
    """Retire what this request replaces, or the request itself where a newer one came first.

    Returns how many were retired; the same again retires none.
    """
    request = Request.objects.get(pk=request_id)
    if not request.retires_older:
        return 0
    standing = [Status.PENDING.value, Status.APPROVED.value, Status.REDEEMED.value]
    if _same_target(request).filter(pk__gt=request.pk, status__in=standing).exists():
        older = [request.pk]
    else:
        waiting = [status.value for status in WAITING]
        found = _same_target(request).filter(pk__lt=request.pk, status__in=waiting)
        older = list(found.values_list("pk", flat=True))
    retired = sum(_retire(one) for one in older)
    Request.objects.filter(pk=request.pk, retires_older=True).update(retires_older=False)
    return retired


def unfinished() -> list[UUID]:
    """Requests whose older ones are still to be retired."""
    marked = Request.objects.filter(retires_older=True).order_by("pk")
    return list(marked.values_list("pk", flat=True)[:BATCH])


def _same_target(request: Request) -> QuerySet[Request]:
    others = Request.objects.filter(environment=request.environment_id, action=request.action)
    run = {"id": request.run["id"], "attempt": request.run["attempt"]}
    return others.exclude(run__contains=run)


def _retire(request_id: UUID) -> bool:
    with transaction.atomic():
        request = locked(request_id)
        if Status(request.status) not in WAITING:
            return False
        change = Change(request, SYSTEM)
        change.move(Status.SUPERSEDED)
        change.save()
        Reading.objects.filter(request=request).update(next_try=None)
    return True
