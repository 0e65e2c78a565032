"""The review queue, whole or as its live parts."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals.queries import QueueFilters, QueuePage, parse_filters, queue_page, queue_row
from approvals.states import WAITING
from approvals.views.http import FilterField, PersonRequest, address, field, place_fields


@require_safe
def queue(request: PersonRequest) -> HttpResponse:
    """What waits, for whom, how long."""
    filters = parse_filters(request.GET)
    page = queue_page(request.user, filters)
    part = request.htmx and request.htmx.target == "queue"
    template = "approvals/_queue_live.html" if part else "approvals/queue.html"
    return render(request, template, _context(page, filters))


@require_safe
def row(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """One row read again; 204 when it is not one of this list."""
    filters = parse_filters(request.GET)
    found = queue_row(request.user, request_id, filters)
    if found is None:
        return HttpResponse(status=204)
    group = "soon" if found.ends_soon else "you" if found.may_decide else "others"
    over = found.request.status not in WAITING
    context = {"row": found, "group_key": "over" if over else group}
    return render(request, "approvals/_queue_row.html", context)


def _context(page: QueuePage, filters: QueueFilters) -> dict[str, Any]:
    path = reverse("queue")
    older = address(path, filters, after=page.next_cursor) if page.next_cursor else ""
    return {
        "page": page,
        "tabs": _tabs(page, filters, path),
        "queue_count": page.counts["you"].text if page.counts["you"].value else "",
        "filter_fields": _fields(page, filters),
        "kept": [("tab", filters.tab)],
        "filtered": filters.narrowed,
        "clear_url": address(path, QueueFilters(tab=filters.tab)),
        "all_url": address(path, QueueFilters(tab="all")),
        "rows_url": address("/queue/rows/{id}", filters, after=""),
        "older_url": older,
        "empty": not page.groups,
    }


def _tabs(page: QueuePage, filters: QueueFilters, path: str) -> list[dict[str, Any]]:
    words = {"you": _("For you"), "all": _("All"), "decided": _("Decided today")}
    return [
        {
            "word": word,
            "url": address(path, filters, tab=tab, after=""),
            "count": page.counts[tab].text,
            "current": tab == filters.tab,
        }
        for tab, word in words.items()
    ]


def _fields(page: QueuePage, filters: QueueFilters) -> list[FilterField]:
    rows = [row.request for group in page.groups for row in group.rows]
    asked = [row.account.name for row in rows if row.account is not None]
    who = field("asked", _("Who asked"), filters.asked, asked)
    return [*place_fields(filters, page.choices), who]
