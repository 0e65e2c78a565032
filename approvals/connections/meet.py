"""A connection came, changed or went: what waits where it reaches asks anew and is judged again.

Who changes it leaves a mark on its row; the worker goes through the waiting requests, oldest first,
each in its own transaction, and takes the mark away at the end. Killed anywhere, it goes on.
"""

import time
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from approvals.lifecycle.enrich import meet_sources
from approvals.lifecycle.rejudge import judge_again
from approvals.lifecycle.transition import locked
from approvals.models import Connection, Request
from approvals.states import WAITING
from portal.kernel.clock import now

LONGEST = 45.0  # seconds, well under the time limit of a task
# A request may be submitted by what was connected a moment before the change committed.
AT_ONCE = timedelta(seconds=30)


def moved_connections() -> list[UUID]:
    """Connections that moved and whose waiting requests are still to meet them."""
    return list(Connection.objects.filter(moved_at__isnull=False).values_list("pk", flat=True))


def meet_connection(connection_id: UUID) -> int:
    """Let what waits where this connection reaches meet it; how many requests that were."""
    connection = Connection.objects.get(pk=connection_id)
    moved = connection.moved_at
    if moved is None:
        return 0
    ends, count = time.monotonic() + LONGEST, 0
    done, met = now() >= moved + AT_ONCE, connection.met_up_to
    for request_id, created_at in _reached(connection):
        if time.monotonic() > ends:
            done = False  # the mark stays, and the next sweep goes on
            break
        _meet(request_id, connection.key)
        count += 1
        if created_at < moved - AT_ONCE:
            met = request_id
    # Another move meanwhile leaves another mark, which stays.
    rows = Connection.objects.filter(pk=connection_id, moved_at=moved)
    rows.update(moved_at=None if done else moved, met_up_to=None if done else met)
    return count


def _reached(connection: Connection) -> list[tuple[UUID, datetime]]:
    """What waits in its project; its environment may have been another one before."""
    waiting = Request.objects.filter(status__in=[status.value for status in WAITING])
    if connection.project_id is not None:
        waiting = waiting.filter(project=connection.project_id)
    if connection.met_up_to is not None:
        waiting = waiting.filter(pk__gt=connection.met_up_to)
    return list(waiting.order_by("pk").values_list("pk", "created_at"))


def _meet(request_id: UUID, key: str) -> None:
    with transaction.atomic():
        request = locked(request_id)
        meet_sources(request, changed=key)
        judge_again(request)
