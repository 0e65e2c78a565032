"""What a report cannot tell because the entries it would read are archived."""

from django.utils.translation import gettext as _

from approvals.audit.archived import archived_between
from approvals.audit.reports.filters import ReportFilters
from approvals.audit.reports.report import Report
from portal.kernel.errors import Conflict
from portal.ledger.archived import archived_months
from portal.ledger.tiles import fetch


def rows_missing(report: Report, filters: ReportFilters) -> list[str]:
    """Archived months whose entries would be rows of it."""
    if not report.of_entries:
        return []
    since, until = filters.period
    return [month.name for month in archived_between(since - report.looks_back, until)]


def told_of_archive(report: Report, filters: ReportFilters) -> str:
    """What its page says of archived months; empty where it lacks nothing."""
    months = rows_missing(report, filters)
    if months:
        return _("Entries of %(months)s are archived: their rows are missing here. Whoever runs "
                 "the portal can bring a month back.") % {"months": ", ".join(months)}  # fmt: skip
    if report.of_entries or not report.reads_ledger:
        return ""
    months = [month.name for month in archived_months(fetch)]
    said = _("Some columns are read from the ledger, and empty where it is archived: %(months)s.")
    return said % {"months": ", ".join(months)} if months else ""


def require_online(report: Report, filters: ReportFilters) -> None:
    """A file travels without the page beside it. Raises Conflict where rows would be missing."""
    if rows_missing(report, filters):
        raise Conflict(told_of_archive(report, filters), code="archived")
