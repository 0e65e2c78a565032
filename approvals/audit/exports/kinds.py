"""What can be prepared in the background: each kind has a name, a title and a job."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from approvals.audit.exports.bundle_job import bundle_job, bundle_title
from approvals.audit.exports.job import Job
from approvals.audit.exports.report_job import report_job, report_title
from approvals.models import Export
from portal.kernel.errors import NotFound


@dataclass(frozen=True)
class Kind:
    """`title` says what an export is for people; `job` raises Refused where there is none."""

    title: Callable[[Export], str]
    job: Callable[[Export], Job]


KINDS: dict[str, Kind] = {
    "report": Kind(report_title, report_job),
    "evidence": Kind(bundle_title, bundle_job),
}


def kind_of(export: Export) -> Kind:
    """Its kind. Raises NotFound for a name that is none."""
    if export.kind not in KINDS:
        raise NotFound(_("There is no such kind of export."))
    return KINDS[export.kind]
