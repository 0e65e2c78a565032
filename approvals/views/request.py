"""One request: the whole page, and its live parts."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals.audit.pdf.write_pdf import pdf_available
from approvals.queries import RequestPage, request_page
from approvals.states import WAITING
from approvals.views.draft import kept_comment
from approvals.views.http import PersonRequest, session_digest, snapshot_digest
from portal.kernel.clock import now

SOON_SECONDS = 15 * 60
WHOLE = "approvals/request.html"
PARTS = "approvals/_live.html"


@require_safe
def request_view(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """Facts, requirements, the decision, the history."""
    return show(
        request,
        request_id,
        seen=snapshot_digest(request.GET.get("seen", "")),
        comment=kept_comment(request, request_id),
    )


@require_safe
def live(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """The live parts again; `?seen=` is the snapshot the reader had before."""
    return show(request, request_id, seen=snapshot_digest(request.GET.get("seen", "")), parts=True)


def show(
    request: PersonRequest,
    request_id: UUID,
    *,
    seen: str,
    parts: bool = False,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """The page, or only its live parts, read anew. Raises NotFound."""
    page = request_page(request.user, request_id, seen=seen, session=session_digest(request))
    template = PARTS if parts else WHOLE
    return render(request, template, {**_context(page, seen), **more}, status=status)


def _context(page: RequestPage, seen: str) -> dict[str, Any]:
    panel = page.decision
    address = reverse("request-live", args=[page.request.id])
    soon = panel.ends_at is not None and (panel.ends_at - now()).total_seconds() < SOON_SECONDS
    return {
        "page": page,
        "seen": seen,
        "waiting": page.request.status in WAITING,
        "urgency": "bad" if soon else "idle",
        "live_url": f"{address}?seen={seen or panel.snapshot_digest}",
        "changed_title": _("Changed"),
        "pdf": pdf_available(),
    }
