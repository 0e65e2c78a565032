"""Who changed access and configuration, and what was there before."""

from django.utils.translation import gettext_lazy as _

from approvals.audit.reports.parts import ACTOR, ACTORS, ENTRIES
from approvals.audit.reports.report import Column, Report
from portal.ledger.events import EVENTS

_OTHERS = {"backtest", "sign_in", "sign_out", "device", "export", "workload"}
TYPES = tuple(
    name
    for name, event in EVENTS.items()
    if "object" in event.parts and name.partition(".")[0] not in _OTHERS
)

_SQL = f"""
SELECT
    e.id AS entry, e.at AS at, {ACTOR} AS actor, e.type AS event, project.slug AS project,
    said.part->'object'->>'kind' AS kind,
    coalesce(said.part->'object'->>'slug', said.part->'object'->>'name',
             said.part->'object'->>'id') AS object,
    person.name AS person, said.part->'object'->>'role' AS role,
    (said.part->'change'->'before')::text AS before, (said.part->'change'->'after')::text AS after
FROM ledger_entry e
{ACTORS}
CROSS JOIN LATERAL (SELECT convert_from(e.payload, 'UTF8')::jsonb AS part) AS said
LEFT JOIN portal_project project ON project.id = e.project
LEFT JOIN portal_user person ON person.actor_ref::text = coalesce(
    said.part->'object'->>'person',
    CASE WHEN said.part->'object'->>'kind' = 'person' THEN said.part->'object'->>'id' END)
WHERE {ENTRIES} AND e.type IN ({", ".join(f"'{name}'" for name in TYPES)})
    AND (%(environment)s::uuid IS NULL
         OR said.part->'object'->>'id' = (%(environment)s::uuid)::text)
ORDER BY e.id
"""  # noqa: S608  (written in code)

REPORT = Report(
    name="changes",
    title=_("Access and configuration changes"),
    help=_(
        "Who changed people, roles, groups, projects, policies, freezes, connections and keys in "
        "the period. Long texts stand as their digest."
    ),
    columns=(
        Column("entry", _("Entry"), "number"),
        Column("at", _("When"), "time"),
        Column("actor", _("Who")),
        Column("event", _("What")),
        Column("kind", _("Kind")),
        Column("object", _("Object")),
        Column("person", _("Person")),
        Column("role", _("Role")),
        Column("project", _("Project")),
        Column("before", _("Before")),
        Column("after", _("After")),
    ),
    sql=_SQL,
    by="event",
)
