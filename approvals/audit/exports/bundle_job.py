"""An evidence bundle as a job: the entry that says it was asked for closes it."""

from functools import partial
from zoneinfo import ZoneInfo

from django.utils.timezone import override
from django.utils.translation import gettext as _

from approvals.audit.bundle.build import (
    bundle_of,
    file_name,
    require_unarchived,
    said_of,
    written,
)
from approvals.audit.bundle.closing import wait_for_seal
from approvals.audit.bundle.contents import Contents
from approvals.audit.bundle.manifest import Bundle
from approvals.audit.exports.job import Job, Parts, Progress
from approvals.audit.reports.filters import ReportFilters, report_filters
from approvals.audit.scope import AuditScope, audit_scope
from approvals.models import Export
from portal.kernel.errors import Invalid


def bundle_filters(scope: AuditScope, asked: dict[str, str]) -> ReportFilters:
    """Raises Invalid where whoever audits some projects names none: each has its own numbers."""
    if not asked.get("project") and scope.projects is not None:
        sentence = _("Choose the project: each has entries numbered on their own.")
        raise Invalid(sentence, errors=[{"field": "project", "message": sentence}])
    return report_filters(scope, asked)


def bundle_title(export: Export) -> str:
    """What people call it."""
    return _("Evidence bundle")


def bundle_job(export: Export) -> Job:
    """The job, for what `export.by` audits now. Raises Forbidden, NotFound, Invalid, Conflict."""
    wish = {name: str(value) for name, value in export.wish.items()}
    with override(ZoneInfo(wish.pop("zone"))):
        filters = bundle_filters(audit_scope(export.by), wish)
    require_unarchived(filters)
    return Job(
        said=said_of(export.pk, filters),
        project=filters.project.pk if filters.project else None,
        covers=filters.projects,
        file_name=file_name(filters),
        content_type="application/zip",
        expected=partial(_expected, export, filters),
        parts=partial(_parts, export, filters),
    )


def _expected(export: Export, filters: ReportFilters) -> int:
    return _bundle(export, filters).selection.count


def _parts(export: Export, filters: ReportFilters, progress: Progress) -> Parts:
    bundle = _bundle(export, filters)
    yield from written(bundle, Contents(bundle.selection, filters), progress)


def _bundle(export: Export, filters: ReportFilters) -> Bundle:
    """Raises Conflict where nobody seals the ledger."""
    assert export.entry is not None  # noqa: S101  (set when it was ordered)
    return bundle_of(export.pk, export.by, filters, wait_for_seal(export.entry))
