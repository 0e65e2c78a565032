"""The page Seal: whether the ledger is sealed up to now, by which key, and who was told."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.audit.sealing import seal_state
from approvals.views.http import PersonRequest
from portal.access import Capability, places_of, require
from portal.kernel.clock import now
from portal.ledger.archived import archived_months
from portal.ledger.tiles import fetch

LATE = timedelta(seconds=30)


@require_safe
def seal(request: PersonRequest) -> HttpResponse:
    """For whoever audits anything: it tells nothing of any project."""
    places = places_of(request.user, Capability.AUDIT)
    if not places.projects:
        require(request.user, Capability.AUDIT)
    state = seal_state()
    late = state.oldest is not None and now() - state.oldest > LATE
    return render(
        request,
        "audit/seal.html",
        {"state": state, "late": late, "archived": archived_months(fetch)},
    )
