"""What ran in a guarded environment without a permit: by a forge's word, or by the run's own."""

from django.utils.translation import gettext_lazy as _

from approvals.audit.reports.parts import ENTRIES, FIRST_ID, REQUESTER
from approvals.audit.reports.report import Column, Report

_CHOSEN = "(%(environment)s::uuid IS NULL OR environment.id = %(environment)s::uuid)"

# A deployment that a forge called successful when nobody had a permit for its commit there. Forges
# make a deployment before its job asks, so one that waits or failed may be a job that was refused:
# only success says that something ran. What was deployed before the environment was guarded is not
# meant: a minute is left for whole seconds, two clocks, and an answer that was kept. A commit is
# listed once for each environment.
_DEPLOYED = f"""
SELECT
    seen.at AS at, project.slug AS project, environment.name AS environment,
    coalesce(forge.name, seen.source) AS found_by, seen.found AS found, '' AS run,
    seen.commit AS commit, seen.by AS by, 'deployed' AS said,
    'R-' || asked.number AS request, asked.status AS decision, asked.id AS id
FROM (
    SELECT environment_id, commit, source, min(at) AS at, min(found) AS found, max(by) AS by
    FROM (
        SELECT
            r.environment_id, s.captured_at AS found,
            s.facts->'deployment.sha'->>'value' AS commit,
            s.facts->'deployment.sha'->>'source' AS source,
            s.facts->'deployment.by'->>'value' AS by,
            (s.facts->'deployment.age_s'->>'observed_at')::timestamptz
                - make_interval(secs => (s.facts->'deployment.age_s'->>'value')::float) AS at
        FROM approvals_snapshot s JOIN approvals_request r ON r.id = s.request_id
        WHERE s.id >= {FIRST_ID} AND s.captured_at >= %(since)s::timestamptz
            AND s.facts->'deployment.state'->>'value' = 'success'
            AND (%(projects)s::uuid[] IS NULL OR r.project_id = ANY(%(projects)s::uuid[]))
    ) AS deployment
    WHERE at >= %(since)s::timestamptz AND at < %(until)s::timestamptz
    GROUP BY environment_id, commit, source
) AS seen
JOIN portal_environment environment ON environment.id = seen.environment_id
JOIN portal_project project ON project.id = environment.project_id
LEFT JOIN approvals_connection forge ON forge.id::text = split_part(seen.source, ':', 2)
LEFT JOIN LATERAL (
    SELECT r.number, r.status, r.id FROM approvals_request r
    WHERE r.environment_id = seen.environment_id AND r.subject->>'commit' = seen.commit
    ORDER BY r.id DESC LIMIT 1
) AS asked ON true
WHERE seen.at >= environment.created_at - interval '1 minute' AND {_CHOSEN}
    AND NOT EXISTS (
        SELECT FROM approvals_permit permit JOIN approvals_request r ON r.id = permit.request_id
        WHERE r.environment_id = seen.environment_id AND r.subject->>'commit' = seen.commit
            AND permit.issued_at <= seen.found
    )
"""  # noqa: S608  (written in code)

# A run that told how it ended when its permit was over, or had never been begun in time.
_TOLD = f"""
SELECT
    e.at AS at, project.slug AS project, environment.name AS environment,
    'its own report' AS found_by, e.at AS found,
    concat_ws(' / ', r.run->>'id', r.run->>'attempt') AS run, r.subject->>'commit' AS commit,
    {REQUESTER} AS by, e.outcome AS said, 'R-' || r.number AS request, r.status AS decision,
    r.id AS id
FROM ledger_entry e
JOIN approvals_request r ON r.id = e.request
JOIN portal_project project ON project.id = r.project_id
JOIN portal_environment environment ON environment.id = r.environment_id
JOIN portal_user owner ON owner.id = r.owner_id
LEFT JOIN portal_serviceaccount account ON account.id = r.account_id
WHERE {ENTRIES} AND e.type = 'permit.reported_late' AND {_CHOSEN}
    AND convert_from(e.payload, 'UTF8')::jsonb->'permit'->>'status'
        IN ('issued', 'expired', 'revoked')
"""  # noqa: S608  (written in code)

REPORT = Report(
    name="without-permit",
    title=_("Executions without a permit"),
    help=_(
        "Deployments that a connected forge tells of and no permit is about, and runs that "
        "ended when their permit was over."
    ),
    columns=(
        Column("at", _("When"), "time"),
        Column("project", _("Project")),
        Column("environment", _("Environment")),
        Column("found_by", _("Found by")),
        Column("found", _("Found"), "time"),
        Column("run", _("Run")),
        Column("commit", _("Commit")),
        Column("by", _("By")),
        Column("said", _("It says")),
        Column("request", _("Request")),
        Column("decision", _("Decision")),
        Column("id", _("Request id")),
    ),
    sql=f"{_DEPLOYED} UNION ALL {_TOLD} ORDER BY at",
    by="found_by",
)
