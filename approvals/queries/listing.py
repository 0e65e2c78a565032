"""All requests, newest first."""

import contextlib
from dataclasses import dataclass
from uuid import UUID

from approvals.models import Request
from approvals.queries.filters import Condition, QueueFilters
from approvals.queries.keys import NEWEST, first_keys
from approvals.queries.queue import Choices, choices_of
from approvals.queries.rows import QueueRow, build_rows, loaded
from approvals.queries.visible import sight_of
from portal.accounts.models import User

PAGE = 50


@dataclass(frozen=True)
class RequestsPage:
    """One page; `next_cursor` leads to older ones."""

    rows: list[QueueRow]
    filters: QueueFilters
    choices: Choices
    next_cursor: str | None


def requests_page(person: User, filters: QueueFilters) -> RequestsPage:
    """Requests this person may see, by keyset on the time-ordered id."""
    sight = sight_of(person)
    where = filters.condition_sql()
    with contextlib.suppress(ValueError):  # a cursor that is none: begin at the newest
        where &= Condition(("r.id < %s",), (UUID(filters.after),)) if filters.after else Condition()
    keys = first_keys(sight, NEWEST, PAGE + 1, where)
    requests = loaded(Request.objects.filter(pk__in=keys).order_by("-id"))
    more = len(requests) > PAGE
    rows = build_rows(person, requests[:PAGE], sight)
    older = str(requests[PAGE - 1].id) if more else None
    return RequestsPage(rows, filters, choices_of(sight, requests), older)
