"""The page Evidence bundle: a form with period and project, and the bundle as a download."""

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from approvals.audit.bundle.build import take_bundle
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
        filters = _filters(scope, asked)
        parts = take_bundle(by=request.user, filters=filters)
    except (Conflict, Invalid) as refusal:
        return _page(request, scope, report_filters(scope, {}), refusal)
    place = filters.project.slug if filters.project else "all"
    name = f"evidence-{place}-{filters.since}-{filters.until}.zip"
    return StreamingHttpResponse(
        parts,
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _filters(scope: AuditScope, asked: dict[str, str]) -> ReportFilters:
    """Raises Invalid where whoever audits some projects names none: each has its own numbers."""
    if not asked["project"] and scope.projects is not None:
        sentence = _("Choose the project: each has entries numbered on their own.")
        raise Invalid(sentence, errors=[{"field": "project", "message": sentence}])
    return report_filters(scope, asked)


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
