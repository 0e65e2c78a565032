"""Whether those who approved are others than those who asked and wrote the change."""

from django.utils.translation import gettext_lazy as _

from approvals.audit.reports.parts import (
    APPROVALS,
    APPROVED_BY_PEOPLE,
    APPROVER,
    BEHIND,
    PLACES,
    REQUESTER,
    REQUESTS,
)
from approvals.audit.reports.report import Column, Report

# Who wrote and committed, as the facts name them: lower case, without doubles.
_WRITERS = """
    (SELECT array_agg(DISTINCT lower(named)) FROM (
        SELECT s.facts->fact->>'value' AS named
        FROM unnest(ARRAY['git.author', 'git.committer']) AS fact
        UNION ALL
        SELECT jsonb_array_elements_text(s.facts->fact->'value')
        FROM unnest(ARRAY['git.authors', 'policy.authors']) AS fact
        WHERE jsonb_typeof(s.facts->fact->'value') = 'array'
    ) AS writers WHERE named <> '')
"""
# What an erasure took cannot clear anybody: the report says so instead of staying silent.
_ERASED = """
    CASE WHEN r.erased_at IS NOT NULL OR EXISTS (
        SELECT 1 FROM jsonb_each(s.facts) AS fact WHERE fact.value ? 'commit'
    ) THEN 'cannot be told: erased' END
"""
_SQL = f"""
SELECT
    'R-' || r.number AS request, r.created_at AS created, project.slug AS project,
    environment.name AS environment, r.action AS action, {REQUESTER} AS requester,
    owner.name AS owner, array_to_string(writers.named, ', ') AS authors,
    (SELECT string_agg({APPROVER}, ', ' ORDER BY d.decided_at) {APPROVALS}) AS approvers,
    CASE WHEN permit.id IS NOT NULL THEN coalesce(account.name, 'the portal') END AS executor,
    nullif(concat_ws('; ', (SELECT string_agg(DISTINCT person.name, ', ') {BEHIND} AND (
        person.id IN (r.owner_id, account.owner_id, token.created_by_id, version.author_id)
        OR r.forge_touchers @> jsonb_build_array(jsonb_build_array(person.id::text))
        OR lower(person.username) IN (lower(r.run->>'actor'))
        OR lower(nullif(person.email, '')) IN (lower(r.run->>'actor'))
        OR lower(person.username) = ANY(writers.named)
        OR lower(person.email) = ANY(writers.named)
    )), {_ERASED}), '') AS overlap,
    (SELECT string_agg(DISTINCT (o->>'policy') || ' · ' || (o->>'rule'), ', ')
     FROM jsonb_array_elements(v.body->'obligations') o) AS rule,
    (SELECT CASE WHEN bool_and((o->>'self_approval')::boolean) THEN 'allowed by policy' END
     FROM jsonb_array_elements(v.body->'obligations') o) AS exception,
    r.id AS id
FROM approvals_request r {PLACES}
LEFT JOIN portal_projecttoken token ON token.id = r.token_id
LEFT JOIN policies_policyversion version ON version.id = r.policy_version_id
LEFT JOIN approvals_permit permit ON permit.request_id = r.id
CROSS JOIN LATERAL (SELECT {_WRITERS} AS named) AS writers
WHERE {REQUESTS} AND r.created_at >= %(since)s::timestamptz
    AND r.created_at < %(until)s::timestamptz AND {APPROVED_BY_PEOPLE}
ORDER BY r.id
"""  # noqa: S608  (written in code)

REPORT = Report(
    name="separation",
    title=_("Separation of duties"),
    help=_(
        "Requests of the period that people approved, and who of the approvers also asked for or "
        "wrote the change. An overlap without an exception must not exist."
    ),
    columns=(
        Column("request", _("Request")),
        Column("created", _("Asked"), "time"),
        Column("project", _("Project")),
        Column("environment", _("Environment")),
        Column("action", _("Action")),
        Column("requester", _("Requester")),
        Column("owner", _("Answers for it")),
        Column("authors", _("Wrote the change")),
        Column("approvers", _("Approvers")),
        Column("executor", _("Executor")),
        Column("overlap", _("Overlap")),
        Column("exception", _("Exception")),
        Column("rule", _("Rule")),
        Column("id", _("Request id")),
    ),
    sql=_SQL,
    by="overlap",
)
