"""All requests, newest first."""

import contextlib
from dataclasses import dataclass
from uuid import UUID

from approvals.models import Request
from approvals.queries.filters import QueueFilters
from approvals.queries.queue import Choices, choices_of
from approvals.queries.rows import LOADED, QueueRow, build_rows
from approvals.queries.visible import seen_with, sight_of
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
    found = Request.objects.filter(seen_with(sight)).filter(filters.condition())
    with contextlib.suppress(ValueError):  # a cursor that is none: begin at the newest
        found = found.filter(id__lt=UUID(filters.after)) if filters.after else found
    requests = list(found.select_related(*LOADED).order_by("-id")[: PAGE + 1])
    more = len(requests) > PAGE
    rows = build_rows(person, requests[:PAGE], sight.groups.values())
    older = str(requests[PAGE - 1].id) if more else None
    return RequestsPage(rows, filters, choices_of(sight, requests), older)
