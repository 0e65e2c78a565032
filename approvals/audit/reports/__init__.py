"""The reports that auditors ask for, in the order of the page."""

from approvals.audit.reports import (
    access_review,
    by_policy,
    changes,
    drift,
    population,
    reading,
    review_answers,
    separation,
    without_permit,
)
from approvals.audit.reports.report import Report

REPORTS: dict[str, Report] = {
    module.REPORT.name: module.REPORT
    for module in (
        population,
        separation,
        by_policy,
        drift,
        without_permit,
        changes,
        access_review,
        review_answers,
        reading,
    )
}
