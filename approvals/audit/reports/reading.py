"""Who took evidence out of the portal, and exactly what."""

from django.utils.translation import gettext_lazy as _

from approvals.audit.reports.parts import ACTOR, ACTORS, ENTRIES
from approvals.audit.reports.report import Column, Report

_SQL = f"""
SELECT
    e.id AS entry, e.at AS at, {ACTOR} AS actor, e.type AS event, e.outcome AS outcome,
    project.slug AS project, said.part->>'report' AS report, said.part->>'form' AS form,
    said.part->>'since' AS since, said.part->>'until' AS until, environment.name AS environment,
    concat_ws(' ', read.part->>'kind', read.part->>'number') AS object,
    (said.part->>'rows')::bigint AS rows, coalesce(said.part, read.part)->>'digest' AS digest,
    said.part->>'id' AS export
FROM ledger_entry e
{ACTORS}
CROSS JOIN LATERAL (
    SELECT convert_from(e.payload, 'UTF8')::jsonb->'export' AS part) AS said
CROSS JOIN LATERAL (
    SELECT convert_from(e.payload, 'UTF8')::jsonb->'object' AS part) AS read
LEFT JOIN portal_project project ON project.id = e.project
LEFT JOIN portal_environment environment ON environment.id::text = said.part->>'environment'
WHERE {ENTRIES} AND e.type IN
    ('export.created', 'export.finished', 'export.fetched', 'export.removed', 'evidence.read')
    AND (%(environment)s::uuid IS NULL OR environment.id = %(environment)s::uuid)
ORDER BY e.id
"""  # noqa: S608  (written in code)

REPORT = Report(
    name="reading",
    title=_("Reading and exporting evidence"),
    help=_("Every report and every piece of evidence that was taken out in the period: who, which "
           "rows, and the digest of the file."),
    columns=(
        Column("entry", _("Entry"), "number"),
        Column("at", _("When"), "time"),
        Column("actor", _("Who")),
        Column("event", _("What")),
        Column("outcome", _("Outcome")),
        Column("report", _("Report")),
        Column("object", _("Evidence")),
        Column("form", _("Form")),
        Column("since", _("From")),
        Column("until", _("Until")),
        Column("project", _("Project")),
        Column("environment", _("Environment")),
        Column("rows", _("Rows"), "number"),
        Column("digest", _("SHA-256 of the file")),
        Column("export", _("Export")),
    ),
    sql=_SQL,
    by="event",
)  # fmt: skip
