"""Pages of files prepared in the background: ask for one, watch it, fetch it, be rid of it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals.audit.exports.end import cancel_export, delete_export
from approvals.audit.exports.fetch import exports_of, fetch_export, load_export, load_own
from approvals.audit.exports.listing import in_words
from approvals.audit.exports.order import order_export
from approvals.audit.exports.report_job import report_wish
from approvals.audit.reports.filters import report_filters
from approvals.audit.scope import audit_scope
from approvals.views.http import PersonRequest
from portal.kernel.http import page_of


@require_safe
def exports(request: PersonRequest) -> HttpResponse:
    """What the reader asked for, and what a schedule prepared for them."""
    audit_scope(request.user)
    page = page_of(request, exports_of(request.user).order_by("-pk"))
    return render(
        request, "audit/exports.html", {"page": page, "rows": in_words(list(page.object_list))}
    )


@require_safe
def export(request: PersonRequest, export_id: UUID) -> HttpResponse:
    """One of them; for htmx its row alone, as it is now."""
    audit_scope(request.user)
    rows = in_words([load_export(request.user, export_id)])
    if request.htmx:
        return render(request, "audit/_export.html", {"row": rows[0]})
    return render(request, "audit/exports.html", {"rows": rows, "alone": True})


@require_POST
def report_prepare(request: PersonRequest, report_name: str) -> HttpResponse:
    """Ask for a report as a file; its filters stand in the address as on its page."""
    filters = report_filters(audit_scope(request.user), request.GET.dict())
    order_export(
        by=request.user,
        kind="report",
        subject=report_name,
        form=request.POST.get("form", ""),
        wish=report_wish(filters),
    )
    messages.success(request, _("Being prepared. You can leave this page and come back."))
    return redirect("exports")


@require_safe
def export_file(request: PersonRequest, export_id: UUID) -> StreamingHttpResponse:
    """The file."""
    found = load_export(request.user, export_id)
    return StreamingHttpResponse(
        fetch_export(by=request.user, export=found),
        content_type=found.content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "Content-Length": str(found.size),
            "Cache-Control": "no-store",
        },
    )


@require_POST
def export_cancel(request: PersonRequest, export_id: UUID) -> HttpResponse:
    """Stop preparing it."""
    cancel_export(by=request.user, export=load_own(request.user, export_id))
    return redirect("exports")


@require_POST
def export_delete(request: PersonRequest, export_id: UUID) -> HttpResponse:
    """Delete the file, and take it off the list."""
    delete_export(by=request.user, export=load_own(request.user, export_id))
    messages.success(request, _("Deleted."))
    return redirect("exports")
