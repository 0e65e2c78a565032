"""Who may do what now, since when, and whether they decided lately."""

from django.utils.translation import gettext_lazy as _

from approvals.audit.reports.report import Column, Report

# A group belongs to no project: who audits one project sees its members too, for they may decide.
_SQL = """
WITH given AS MATERIALIZED (
    SELECT said.part->'object'->>'person' AS person, said.part->'object'->>'id' AS object,
           said.part->'object'->>'role' AS role, max(e.at) AS at
    FROM ledger_entry e
    CROSS JOIN LATERAL (SELECT convert_from(e.payload, 'UTF8')::jsonb AS part) AS said
    WHERE e.type = 'role.granted' GROUP BY 1, 2, 3
), held AS (
    SELECT g.person_id, 'role' AS through, g.role AS name, g.kind AS kind, g.object_id AS object,
           coalesce(environment.project_id, project.id) AS project_id,
           environment.id AS environment_id,
           environment.name AS environment, policy.name AS policy, grp.name AS grp,
           coalesce(g.granted_at, given.at) AS at, g.until AS until
    FROM portal_rolegrant g
    JOIN portal_user holder ON holder.id = g.person_id
    LEFT JOIN portal_environment environment
        ON g.kind = 'environment' AND environment.id::text = g.object_id
    LEFT JOIN portal_project project ON g.kind = 'project' AND project.id::text = g.object_id
    LEFT JOIN policies_policy policy ON g.kind = 'policy' AND policy.id::text = g.object_id
    LEFT JOIN portal_approvergroup grp
        ON g.kind = 'approvergroup' AND grp.id::text = g.object_id
    LEFT JOIN given ON given.person = holder.actor_ref::text AND given.object = g.object_id
        AND given.role = g.role
    WHERE g.until IS NULL OR g.until > now()
    UNION ALL
    SELECT m.person_id, 'group', grp.name, 'approvergroup', grp.id::text,
           NULL, NULL, NULL, NULL, grp.name, m.added_at, NULL
    FROM portal_membership m JOIN portal_approvergroup grp ON grp.id = m.group_id
)
SELECT
    person.name AS person, person.username AS username,
    CASE WHEN person.is_active THEN 'active' ELSE 'deactivated' END AS state,
    held.through AS through, held.name AS name, held.kind AS kind, project.slug AS project,
    coalesce(held.environment, held.policy, held.grp) AS object, held.at AS since,
    held.until AS until,
    (SELECT max(d.decided_at) FROM approvals_decision d
     JOIN approvals_request r ON r.id = d.request_id WHERE d.person_id = person.id
     AND (%(projects)s::uuid[] IS NULL OR r.project_id = ANY(%(projects)s::uuid[]))
    ) AS last_decision
FROM held
JOIN portal_user person ON person.id = held.person_id
LEFT JOIN portal_project project ON project.id = held.project_id
WHERE (%(projects)s::uuid[] IS NULL OR held.through = 'group'
       OR held.project_id = ANY(%(projects)s::uuid[]))
    AND (%(environment)s::uuid IS NULL OR held.environment_id = %(environment)s::uuid)
ORDER BY person.name, person.id, held.through, held.name, held.object
"""

REPORT = Report(
    name="access-review",
    title=_("Access review"),
    help=_("Who holds which role and belongs to which group now, since when, and when they last "
           "decided. To be looked through by the owner of each project."),
    columns=(
        Column("person", _("Person")),
        Column("username", _("Signs in as")),
        Column("state", _("State")),
        Column("through", _("Through")),
        Column("name", _("Role or group")),
        Column("kind", _("On")),
        Column("project", _("Project")),
        Column("object", _("Object")),
        Column("since", _("Since"), "time"),
        Column("until", _("Until"), "time"),
        Column("last_decision", _("Last decision"), "time"),
    ),
    sql=_SQL,
    by="name",
    periodic=False,
)  # fmt: skip
