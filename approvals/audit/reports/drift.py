"""Approvals that did not hold: the world moved, somebody took them back, nobody used them."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from approvals.audit.reports.parts import ACTOR, ACTORS, ENTRIES
from approvals.audit.reports.report import Column, Report

# Each voided approval; one row for each fact that moved, one where none did. Who is named among
# the differences is a reference there, and a name here.
_SQL = f"""
SELECT
    'R-' || r.number AS request, project.slug AS project, environment.name AS environment,
    r.action AS action, approved.at AS approved, e.at AS found,
    CASE e.type WHEN 'drift.found' THEN 'drift' WHEN 'request.revoked' THEN 'revoked'
                ELSE 'not used in time' END AS void,
    moved.one->>'fact' AS fact, moved.one->>'old' AS old, moved.one->>'new' AS new,
    voter.name AS vote_of, {ACTOR} AS by, r.status AS ended, e.id AS entry, r.id AS id
FROM ledger_entry e
JOIN approvals_request r ON r.id = e.request
JOIN portal_project project ON project.id = r.project_id
JOIN portal_environment environment ON environment.id = r.environment_id
{ACTORS}
CROSS JOIN LATERAL (
    SELECT max(a.at) AS at FROM ledger_entry a
    WHERE a.request = e.request AND a.id < e.id AND a.type = 'request.approved'
) AS approved
LEFT JOIN LATERAL jsonb_array_elements(
    CASE WHEN e.type = 'drift.found' THEN convert_from(e.payload, 'UTF8')::jsonb->'drift' END
) AS moved(one) ON true
LEFT JOIN portal_user voter ON voter.actor_ref::text = moved.one->>'person'
WHERE {ENTRIES} AND e.type IN ('drift.found', 'request.revoked', 'request.expired')
    AND approved.at IS NOT NULL
    AND (%(environment)s::uuid IS NULL OR r.environment_id = %(environment)s::uuid)
ORDER BY e.id
"""  # noqa: S608  (written in code)

REPORT = Report(
    name="drift",
    title=_("Drift and voids"),
    help=_("Approvals that became void in the period, what had moved, and how it ended."),
    columns=(
        Column("request", _("Request")),
        Column("project", _("Project")),
        Column("environment", _("Environment")),
        Column("action", _("Action")),
        Column("approved", _("Approved"), "time"),
        Column("found", _("Void since"), "time"),
        Column("void", _("Because")),
        Column("fact", _("Fact")),
        Column("old", _("Old")),
        Column("new", _("New")),
        Column("vote_of", _("Vote of")),
        Column("by", _("By")),
        Column("ended", _("Is now")),
        Column("entry", _("Entry"), "number"),
        Column("id", _("Request id")),
    ),
    sql=_SQL,
    by="void",
    looks_back=timedelta(days=31),  # to the approval
)
