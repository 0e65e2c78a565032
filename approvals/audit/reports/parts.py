"""Pieces of SQL that several reports are made of."""

# Conditions on a request `r` and on an entry `e` of the ledger.
REQUESTS = """
    (%(projects)s::uuid[] IS NULL OR r.project_id = ANY(%(projects)s::uuid[]))
    AND (%(environment)s::uuid IS NULL OR r.environment_id = %(environment)s::uuid)
"""
ENTRIES = """
    (%(projects)s::uuid[] IS NULL OR e.project = ANY(%(projects)s::uuid[]))
    AND e.at >= %(since)s::timestamptz AND e.at < %(until)s::timestamptz
"""
# Ids of rows are in the order of their making (UUIDv7), so none of the period is below this one.
FIRST_ID = """
    (lpad(to_hex((extract(epoch FROM %(since)s::timestamptz - interval '1 hour') * 1000)::bigint),
          12, '0') || repeat('0', 20))::uuid
"""
PLACES = """
    JOIN portal_project project ON project.id = r.project_id
    JOIN portal_environment environment ON environment.id = r.environment_id
    JOIN portal_user owner ON owner.id = r.owner_id
    LEFT JOIN portal_serviceaccount account ON account.id = r.account_id
    LEFT JOIN approvals_verdict v ON v.id = r.verdict_id
    LEFT JOIN approvals_snapshot s ON s.id = r.snapshot_id
"""
REQUESTER = "coalesce(nullif(r.run->>'actor', ''), account.name, owner.name)"
POLICIES = """
    (SELECT string_agg((p->>'policy') || ' v' || (p->>'version'), ', ')
     FROM jsonb_array_elements(v.body->'policies') p)
"""
# Approvals of the round in force: those of earlier rounds do not count any more.
_COUNTING = "d.request_id = r.id AND d.round = r.round AND d.outcome = 'approve'"
APPROVALS = f"""
    FROM approvals_decision d JOIN portal_user person ON person.id = d.person_id
    LEFT JOIN portal_delegation delegation ON delegation.id = d.delegation_id
    LEFT JOIN portal_user member ON member.id = delegation.delegator_id
    WHERE {_COUNTING}
"""
APPROVER = "concat(person.name, ' on behalf of ' || member.name)"
# Each with everybody who stands behind it: who gave it, and on whose behalf.
BEHIND = f"""
    FROM approvals_decision d
    LEFT JOIN portal_delegation delegation ON delegation.id = d.delegation_id
    JOIN portal_user person ON person.id IN (d.person_id, delegation.delegator_id)
    WHERE {_COUNTING}
"""
APPROVED_BY_PEOPLE = f"EXISTS (SELECT {APPROVALS})"
ACTOR = "coalesce(actor.name, machine.name, e.actor_ref)"
ACTORS = """
    LEFT JOIN portal_user actor ON actor.actor_ref::text = e.actor_ref
    LEFT JOIN portal_serviceaccount machine ON machine.actor_ref::text = e.actor_ref
"""
