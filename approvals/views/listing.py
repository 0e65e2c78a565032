"""All requests, newest first."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals.queries import QueueFilters, RequestsPage, parse_filters, requests_page
from approvals.states import Status
from approvals.views.http import FilterField, PersonRequest, address, place_fields


@require_safe
def requests(request: PersonRequest) -> HttpResponse:
    """Pages by keyset: there is a way to older ones, and back to the newest."""
    filters = parse_filters(request.GET)
    page = requests_page(request.user, filters)
    path = reverse("requests")
    context = {
        "page": page,
        "filter_fields": _fields(page, filters),
        "filtered": filters.narrowed,
        "clear_url": path,
        "newest_url": address(path, filters, after="") if filters.after else "",
        "older_url": address(path, filters, after=page.next_cursor) if page.next_cursor else "",
    }
    return render(request, "approvals/requests.html", context)


def _fields(page: RequestsPage, filters: QueueFilters) -> list[FilterField]:
    states = [(status.value, status.value.capitalize()) for status in Status]
    status = FilterField("status", _("Status"), filters.status, states)
    return [*place_fields(filters, page.choices), status]
