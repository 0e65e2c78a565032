"""Pages of reports: which there are, one with its first rows and totals, and taking it out."""

from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals.audit.pdf.write_pdf import pdf_available
from approvals.audit.reports import REPORTS
from approvals.audit.reports.download import FORMS, download, file_name
from approvals.audit.reports.filters import ReportFilters, report_filters
from approvals.audit.reports.online import told_of_archive
from approvals.audit.reports.report import Report
from approvals.audit.reports.rows import first_rows, totals
from approvals.audit.reports.summary import summary_form
from approvals.audit.scope import AuditScope, audit_scope
from approvals.views.http import FilterField, PersonRequest
from portal.directory.models import Environment
from portal.kernel.errors import NotFound

SHOWN = 50
PERIODS = (7, 30, 90)


@dataclass(frozen=True)
class Period:
    """A link to the last `days` days."""

    days: int
    url: str
    current: bool


@require_safe
def reports(request: PersonRequest) -> HttpResponse:
    """All of them, each with what it is for."""
    audit_scope(request.user)
    return render(request, "audit/reports.html", {"reports": REPORTS.values()})


@require_safe
def report(request: PersonRequest, report_name: str) -> HttpResponse:
    """The first rows and the totals; the filters stand in the address."""
    scope, found = audit_scope(request.user), _report(report_name)
    filters = report_filters(scope, request.GET.dict())
    counts = totals(found, filters)
    path = reverse("report", args=[found.name])
    context = {
        "report": found,
        "filters": filters,
        "rows": [
            list(zip(found.columns, row, strict=True)) for row in first_rows(found, filters, SHOWN)
        ],
        "counts": counts,
        "archived": told_of_archive(found, filters),
        "total": sum(count for _name, count in counts),
        "shown": SHOWN,
        "filter_fields": [*(_days(filters) if found.periodic else []), *_places(scope, filters)],
        "filtered": filters.project is not None,
        "clear_url": path,
        "periods": _periods(path, filters) if found.periodic else [],
        "prepare_url": f"{reverse('report-prepare', args=[found.name])}?{_query(filters)}",
        "schedule_url": f"{reverse('schedule-new', args=[found.name])}?{_query(filters)}",
        "files": [
            (form, f"{reverse('report-file', args=[found.name, form])}?{_query(filters)}")
            for form in FORMS
        ],
        "pdf": pdf_available(),
        "pdf_url": f"{reverse('report-file', args=[found.name, 'pdf'])}?{_query(filters)}",
    }
    return render(request, "audit/report.html", context)


@require_safe
def report_file(request: PersonRequest, report_name: str, form: str) -> HttpResponseBase:
    """Everything the filters let through, as a file; on paper its summary."""
    scope, found = audit_scope(request.user), _report(report_name)
    filters = report_filters(scope, request.GET.dict())
    on_paper = form == "pdf" and pdf_available()
    chosen = summary_form(found, filters) if on_paper else FORMS.get(form)
    if chosen is None:
        raise NotFound(_("There is no such kind of file."))
    parts = download(by=request.user, report=found, filters=filters, form=chosen)
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(found, filters, chosen)}"',
        "Cache-Control": "no-store",
    }
    if on_paper:  # whole, so that a failure can still be told
        return HttpResponse(b"".join(parts), chosen.content_type, headers=headers)
    return StreamingHttpResponse(parts, content_type=chosen.content_type, headers=headers)


def _report(name: str) -> Report:
    if name not in REPORTS:
        raise NotFound(_("There is no such report."))
    return REPORTS[name]


def _query(filters: ReportFilters) -> str:
    return urlencode(filters.query())


def _periods(path: str, filters: ReportFilters) -> list[Period]:
    found = []
    for days in PERIODS:
        since = filters.until - timedelta(days=days - 1)
        url = f"{path}?{_query(replace(filters, since=since))}"
        found.append(Period(days, url, since == filters.since))
    return found


def _days(filters: ReportFilters) -> list[FilterField]:
    return [
        FilterField("since", _("From"), filters.since.isoformat(), None),
        FilterField("until", _("To"), filters.until.isoformat(), None),
    ]


def _places(scope: AuditScope, filters: ReportFilters) -> list[FilterField]:
    projects = [(str(one.pk), one.slug) for one in scope.visible_projects()]
    places = Environment.objects.filter(project__in=scope.visible_projects())
    if filters.project:
        places = places.filter(project=filters.project)
    environments = [
        (str(one.pk), f"{one.project.slug} · {one.name}")
        for one in places.select_related("project").order_by("project__slug", "name")
    ]
    chosen = filters.query()
    return [
        FilterField("project", _("Project"), chosen.get("project", ""), projects),
        FilterField("environment", _("Environment"), chosen.get("environment", ""), environments),
    ]
