"""What policy decided without asking anybody, on which rule, and who put that rule in force."""

from django.utils.translation import gettext_lazy as _

from approvals.audit.reports.parts import (
    APPROVED_BY_PEOPLE,
    PLACES,
    POLICIES,
    REQUESTER,
    REQUESTS,
)
from approvals.audit.reports.report import Column, Report

_SQL = f"""
WITH published AS MATERIALIZED (
    SELECT DISTINCT ON (digest) digest, name FROM (
        SELECT e.id, convert_from(e.payload, 'UTF8')::jsonb->'change'->'after'->>'digest' AS digest,
               coalesce(actor.name, e.actor_ref) AS name
        FROM ledger_entry e LEFT JOIN portal_user actor ON actor.actor_ref::text = e.actor_ref
        WHERE e.type = 'policy.published'
    ) AS publications ORDER BY digest, id DESC
)
SELECT
    'R-' || r.number AS request, coalesce(r.approved_at, r.ended_at) AS decided,
    project.slug AS project, environment.name AS environment, r.action AS action,
    {REQUESTER} AS requester,
    CASE WHEN r.approved_at IS NULL THEN 'denied' ELSE 'approved' END AS outcome,
    (SELECT string_agg((x->>'policy') || ' · ' || (x->>'rule'), ', ')
     FROM jsonb_array_elements(v.body->'explanation') x
     WHERE x->>'result' = 'applies'
     AND x->>'effect' = CASE WHEN r.approved_at IS NULL THEN 'deny' ELSE 'approve' END) AS rule,
    {POLICIES} AS policies,
    (SELECT string_agg(p->>'digest', ', ')
     FROM jsonb_array_elements(v.body->'policies') p) AS policy_digest,
    s.digest AS snapshot,
    (SELECT string_agg(DISTINCT published.name, ', ') FROM published
     WHERE published.digest IN
        (SELECT p->>'digest' FROM jsonb_array_elements(v.body->'policies') p)) AS reviewer,
    r.id AS id
FROM approvals_request r {PLACES}
WHERE {REQUESTS} AND coalesce(r.approved_at, r.ended_at) >= %(since)s::timestamptz
    AND coalesce(r.approved_at, r.ended_at) < %(until)s::timestamptz
    AND (r.approved_at IS NOT NULL OR r.status = 'denied') AND NOT {APPROVED_BY_PEOPLE}
ORDER BY r.id
"""  # noqa: S608  (written in code)

REPORT = Report(
    name="by-policy",
    title=_("Decisions by policy alone"),
    help=_(
        "Requests that policy approved or denied in the period without asking anybody, and who "
        "published the version that did."
    ),
    columns=(
        Column("request", _("Request")),
        Column("decided", _("Decided"), "time"),
        Column("project", _("Project")),
        Column("environment", _("Environment")),
        Column("action", _("Action")),
        Column("requester", _("Requester")),
        Column("outcome", _("Outcome")),
        Column("rule", _("Rule")),
        Column("policies", _("Policies")),
        Column("reviewer", _("Published by")),
        Column("policy_digest", _("Policy digests")),
        Column("snapshot", _("Snapshot digest")),
        Column("id", _("Request id")),
    ),
    sql=_SQL,
    by="outcome",
)
