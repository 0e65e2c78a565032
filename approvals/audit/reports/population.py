"""Every request of the period, whatever became of it: what samples are drawn from."""

from django.utils.translation import gettext_lazy as _

from approvals.audit.reports.parts import (
    APPROVALS,
    APPROVED_BY_PEOPLE,
    APPROVER,
    PLACES,
    POLICIES,
    REQUESTER,
    REQUESTS,
)
from approvals.audit.reports.report import MOMENT, Column, Report

_SQL = f"""
SELECT
    (SELECT min(e.id) FROM ledger_entry e WHERE e.request = r.id) AS entry,
    (SELECT leaf.index FROM ledger_leaf leaf WHERE leaf.entry =
        (SELECT min(e.id) FROM ledger_entry e WHERE e.request = r.id)) AS leaf,
    'R-' || r.number AS request, r.id AS id, r.created_at AS created, {REQUESTER} AS requester,
    project.slug AS project, environment.name AS environment, environment.tier AS tier, r.action,
    coalesce(r.subject->>'artifact', r.subject->>'plan', r.subject->>'document') AS subject,
    r.subject->>'commit' AS commit, r.digest AS digest, {POLICIES} AS policies,
    CASE WHEN r.status = 'rejected' OR {APPROVED_BY_PEOPLE} THEN 'people'
         WHEN r.status = 'denied' OR r.approved_at IS NOT NULL THEN 'policy' END AS mode,
    r.status AS decision, coalesce(r.approved_at, r.ended_at) AS decided,
    (SELECT string_agg(
        {APPROVER} || ' (' || d.outcome || ', ' || to_char(d.decided_at AT TIME ZONE 'UTC',
        '{MOMENT}"Z"') || ')', '; ' ORDER BY d.decided_at) {APPROVALS}) AS approvers,
    permit.started_at AS started, permit.finished_at AS ended, permit.status AS result,
    permit.exit_code AS exit_code, permit.id AS permit
FROM approvals_request r {PLACES}
LEFT JOIN approvals_permit permit ON permit.request_id = r.id
WHERE {REQUESTS} AND r.created_at >= %(since)s::timestamptz
    AND r.created_at < %(until)s::timestamptz
ORDER BY r.id
"""  # noqa: S608  (written in code)

REPORT = Report(
    name="population",
    title=_("Change population"),
    help=_("Every request asked in the period, whatever became of it."),
    columns=(
        Column("request", _("Request")),
        Column("created", _("Asked"), "time"),
        Column("requester", _("Requester")),
        Column("project", _("Project")),
        Column("environment", _("Environment")),
        Column("action", _("Action")),
        Column("decision", _("Decision")),
        Column("mode", _("Decided by")),
        Column("approvers", _("Approvers")),
        Column("decided", _("Decided"), "time"),
        Column("started", _("Started"), "time"),
        Column("ended", _("Ended"), "time"),
        Column("result", _("Result")),
        Column("exit_code", _("Exit code"), "number"),
        Column("policies", _("Policies")),
        Column("commit", _("Commit")),
        Column("subject", _("Subject digest")),
        Column("digest", _("Request digest")),
        Column("tier", _("Tier")),
        Column("permit", _("Permit")),
        Column("entry", _("First entry"), "number"),
        Column("leaf", _("Its place in the sealed log"), "number"),
        Column("id", _("Request id")),
    ),
    sql=_SQL,
    by="decision",
)
