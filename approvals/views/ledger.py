"""Pages of the ledger: its entries as a list with filters, one of them, and taking it out."""

from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.audit.archived import IsArchived
from approvals.audit.browse import LedgerPage, ledger_page
from approvals.audit.entry import entry_view, take_entry
from approvals.audit.ledger_filters import FAMILIES, LedgerFilters, ledger_filters
from approvals.audit.scope import audit_scope
from approvals.queries.history import OUTCOMES
from approvals.views.http import PersonRequest
from portal.kernel.errors import Invalid
from portal.ledger.archived import archived_months
from portal.ledger.events import EVENTS
from portal.ledger.tiles import fetch


@require_safe
def ledger(request: PersonRequest) -> HttpResponse:
    """One page of it; the filters stand in the address. What is wrong with one is said."""
    scope, filters = audit_scope(request.user), ledger_filters(request.GET.dict())
    page, wrong = LedgerPage([], None, None), ""
    try:
        page = ledger_page(scope, filters)
    except Invalid as error:
        wrong = error.sentence
    context = {
        "page": page,
        "wrong": wrong,
        "filters": filters,
        "projects": scope.visible_projects().order_by("slug"),
        "types": [*FAMILIES, *sorted(EVENTS)],
        "outcomes": OUTCOMES,
        "clear_url": reverse("ledger"),
        "newest_url": _address(filters) if filters.before or filters.after else "",
        "newer_url": _address(filters, after=page.newer) if page.newer else "",
        "archived": [month.name for month in archived_months(fetch)],
        "older_url": _address(filters, before=page.older) if page.older else "",
    }
    return render(request, "audit/ledger.html", context, status=422 if wrong else 200)


@require_safe
def entry(request: PersonRequest, entry_id: int) -> HttpResponse:
    """Everything it says, what it changed, and what proves it; of an archived one, where it is."""
    try:
        view = entry_view(audit_scope(request.user), entry_id)
    except IsArchived as told:
        context = {"entry": told.entry, "sentence": told.sentence}
        return render(request, "audit/archived.html", context)
    return render(request, "audit/entry.html", {"view": view})


@require_safe
def entry_file(request: PersonRequest, entry_id: int) -> HttpResponse:
    """The entry with its proof as a file."""
    scope = audit_scope(request.user)
    found = take_entry(by=request.user, scope=scope, number=entry_id)
    headers = {
        "Content-Disposition": f'attachment; filename="entry-{entry_id}.json"',
        "Cache-Control": "no-store",
    }
    return JsonResponse(found, headers=headers, json_dumps_params={"indent": 2})


def _address(filters: LedgerFilters, **place: Any) -> str:
    """The ledger with these filters, at a place."""
    chosen = asdict(replace(filters, **{"before": "", "after": "", **place}))
    query = urlencode({name: value for name, value in chosen.items() if value})
    return f"{reverse('ledger')}?{query}" if query else reverse("ledger")
