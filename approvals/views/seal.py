"""The page Seal: whether the ledger is sealed up to now and holds, by which key, who was told."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals.audit.scope import audit_scope
from approvals.audit.sealing import seal_state
from approvals.audit.verification import (
    is_old,
    last_verification,
    open_verification,
    verify_now,
)
from approvals.views.http import PersonRequest
from portal.kernel.clock import now
from portal.ledger.archived import archived_months
from portal.ledger.tiles import fetch

LATE = timedelta(seconds=30)


@require_safe
def seal(request: PersonRequest) -> HttpResponse:
    """For whoever audits anything: it tells nothing of any project."""
    audit_scope(request.user)
    state, last, at = seal_state(), last_verification(), now()
    context = {
        "state": state,
        "late": state.oldest is not None and at - state.oldest > LATE,
        "verified": last,
        "old": last is not None and is_old(last, at),
        "under_way": open_verification(),
        "archived": archived_months(fetch),
    }
    # A page that watches a verification asks for that part only.
    template = "audit/_verification.html" if request.htmx else "audit/seal.html"
    return render(request, template, context)


@require_POST
def seal_verify(request: PersonRequest) -> HttpResponse:
    """Have the whole log verified now."""
    verify_now(by=request.user)
    messages.success(request, _("The whole log is being verified."))
    return redirect("seal")
