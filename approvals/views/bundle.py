"""The page Evidence bundle: a form with period and project; the bundle comes now or later."""

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from approvals.audit.bundle.build import file_name, take_bundle
from approvals.audit.exports.bundle_job import bundle_filters
from approvals.audit.exports.order import order_export
from approvals.audit.exports.report_job import report_wish
from approvals.audit.reports.filters import ReportFilters, report_filters
from approvals.audit.scope import AuditScope, audit_scope
from approvals.views.http import PersonRequest
from portal.kernel.errors import Conflict, Invalid, Refused

NAMES = ("since", "until", "project")


@require_http_methods(["GET", "POST"])
def bundle(request: PersonRequest) -> HttpResponse | StreamingHttpResponse:
    """Ask for the period; a filled form gives the file."""
    scope = audit_scope(request.user)
    if request.method == "GET":
        return _page(request, scope, report_filters(scope, {}))
    asked = {name: request.POST.get(name, "") for name in NAMES}
    try:
        filters = bundle_filters(scope, asked)
        if request.POST.get("later"):
            wish = report_wish(filters)
            order_export(by=request.user, kind="evidence", form="zip", wish=wish)
            messages.success(request, _("Being prepared. You can leave this page and come back."))
            return redirect("exports")
        parts = take_bundle(by=request.user, filters=filters)
    except (Conflict, Invalid) as refusal:
        return _page(request, scope, report_filters(scope, {}), refusal)
    return StreamingHttpResponse(
        parts,
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{file_name(filters)}"',
            "Cache-Control": "no-store",
        },
    )


def _page(
    request: PersonRequest,
    scope: AuditScope,
    filters: ReportFilters,
    refusal: Refused | None = None,
) -> HttpResponse:
    context = {
        "since": request.POST.get("since", filters.since.isoformat()),
        "until": request.POST.get("until", filters.until.isoformat()),
        "chosen": request.POST.get("project", ""),
        "zone": filters.zone_name,
        "everything": scope.projects is None,
        "projects": scope.visible_projects().order_by("slug"),
        "wrong": refusal.sentence if refusal else "",
    }
    return render(request, "audit/bundle.html", context, status=refusal.status if refusal else 200)
