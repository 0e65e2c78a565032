"""A report as a job: its wish is what the address of its page carries, and the time zone."""

from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.timezone import override
from django.utils.translation import gettext as _

from approvals.audit.exports.job import Job
from approvals.audit.reports import REPORTS
from approvals.audit.reports.download import FORMS, Form, counted, file_name, parts_of, said_of
from approvals.audit.reports.filters import ReportFilters, report_filters
from approvals.audit.reports.report import Report
from approvals.audit.scope import audit_scope
from approvals.models import Export
from portal.kernel.errors import NotFound


def report_wish(filters: ReportFilters) -> dict[str, Any]:
    """What is stored of the filters."""
    return {**filters.query(), "zone": filters.zone_name}


def report_of(name: str) -> Report:
    """The report of that name. Raises NotFound."""
    if name not in REPORTS:
        raise NotFound(_("There is no such report."))
    return REPORTS[name]


def form_of(name: str) -> Form:
    """The kind of file of that name. Raises NotFound."""
    if name not in FORMS:
        raise NotFound(_("There is no such kind of file."))
    return FORMS[name]


def report_title(export: Export) -> str:
    """What people call it; the bare name of one that there is no more."""
    found = REPORTS.get(export.subject)
    return str(found.title) if found else export.subject


def report_job(export: Export) -> Job:
    """The job, for what `export.by` audits now. Raises Forbidden, NotFound, Invalid."""
    scope = audit_scope(export.by)
    report, form = report_of(export.subject), form_of(export.form)
    wish = {name: str(value) for name, value in export.wish.items()}
    with override(ZoneInfo(wish.pop("zone"))):
        filters = report_filters(scope, wish)
    return Job(
        said=said_of(export.pk, report, form, filters),
        project=filters.project.pk if filters.project else None,
        covers=filters.projects,
        file_name=file_name(report, filters, form),
        content_type=form.content_type,
        expected=partial(counted, report, filters, form),
        parts=partial(parts_of, report, filters, form),
    )
