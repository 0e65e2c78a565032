"""Judging again what waits, because a freeze began or ended, or the calendar was changed.

Each request in its own short transaction, under its row lock; judging again what was judged already
writes nothing, so that a look may be killed anywhere and begun again.
"""

import time
from uuid import UUID

from django.db import transaction

from approvals.lifecycle.rejudge import judge_again
from approvals.lifecycle.transition import locked
from approvals.models import Request
from approvals.states import WAITING
from policies.freezes.looks import Look, finish, go_on, take_look

BATCH = 100
LONGEST = 45.0  # seconds, well under the lease and the time limit of a task; the rest is left due


def look_again(kind: str, row_id: UUID) -> int:
    """Judge again the requests that wait in the scope of one row of the calendar, if it is due.

    How many were looked at.
    """
    look, ends, count = take_look(kind, row_id), time.monotonic() + LONGEST, 0
    while look is not None:
        batch = _waiting(look)
        for request_id in batch:
            _look_at(request_id)
        count += len(batch)
        if len(batch) < BATCH:
            finish(look)
            return count
        late = time.monotonic() > ends
        look = go_on(look, batch[-1], rest=late)
        if late:
            return count
    return count


def _waiting(look: Look) -> list[UUID]:
    rows = Request.objects.filter(status__in=[status.value for status in WAITING])
    if look.project_id:
        rows = rows.filter(project=look.project_id)
    if look.environment_id:
        rows = rows.filter(environment=look.environment_id)
    if look.up_to:
        rows = rows.filter(pk__gt=look.up_to)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _look_at(request_id: UUID) -> None:
    with transaction.atomic():
        judge_again(locked(request_id))
