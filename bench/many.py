"""Many requests at once, written by SQL as copies of a real pending one.

Each has a snapshot, a verdict and an awaited group of its own, as the page joins them, and ids in
the order of time; status moves as the triggers demand. Only the ledger entries are left out.
"""

from dataclasses import dataclass

import psycopg
from django.db.models import Model

from approvals.models import Request, Snapshot, Verdict
from portal.directory.models import ApproverGroup, Environment

_PLACES = """
CREATE TEMPORARY TABLE places (place int, project uuid, environment uuid, team uuid, name text)
"""
_ID = """
CREATE FUNCTION pg_temp.id_at(moment timestamptz) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
            || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid
$$
"""
_COPIES = """
CREATE TEMPORARY TABLE copies AS
SELECT n, at, pg_temp.id_at(at) AS request, pg_temp.id_at(at) AS snapshot,
       pg_temp.id_at(at) AS verdict, places.*
FROM generate_series(1, {count}) AS n
CROSS JOIN LATERAL (SELECT now() - interval '1 second' * ({ago} + {count} - n) AS at) AS moment
JOIN places ON place = n % {places}
"""
_PENDING = """
UPDATE approvals_request AS r
SET status = 'pending', snapshot_id = copies.snapshot, verdict_id = copies.verdict
FROM copies WHERE r.id = copies.request
"""
_DENIED = """
UPDATE approvals_request AS r
SET status = 'denied', ended_at = r.created_at, snapshot_id = copies.snapshot,
    verdict_id = copies.verdict
FROM copies WHERE r.id = copies.request
"""
_AWAITED = """
INSERT INTO approvals_awaitedgroup (request_id, group_id) SELECT request, team FROM copies
"""


@dataclass(frozen=True)
class Place:
    """Where copies ask, and which team they wait for."""

    environment: Environment
    team: ApproverGroup


def copy_requests(
    owner_url: str,
    model: Request,
    places: list[Place],
    *,
    pending: int,
    over: int,
    ago: int = 0,
    facts: str = "m.facts",
) -> None:
    """Copies of the pending request `model`, dealt out evenly: `over` ended ones, then `pending`,
    one a second, the last of them `ago` seconds ago.

    What comes later has to be later: rows of a table lie in the order in which they came.
    `facts` is SQL for the facts of the copy `copies.n`, made of those of the model, `m.facts`.
    Ends with what autovacuum does within a minute of such a load.
    """
    with psycopg.connect(owner_url) as connection:
        connection.execute(_ID)
        connection.execute(_PLACES)
        connection.cursor().executemany(
            "INSERT INTO places VALUES (%s, %s, %s, %s, %s)",
            [
                (n, p.environment.project_id, p.environment.pk, p.team.pk, p.team.name)
                for n, p in enumerate(places)
            ],
        )
        for count, since, move in ((over, 0, _DENIED), (pending, ago, _PENDING)):
            if not count:
                continue
            connection.execute(_COPIES.format(count=count, ago=since, places=len(places)))
            for statement in (*_inserts(model, facts), move):
                connection.execute(statement)
            if move == _PENDING:
                connection.execute(_AWAITED)
            connection.execute("DROP TABLE copies")
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _inserts(model: Request, facts: str) -> list[str]:
    requests = {
        "id": "copies.request",
        "number": "nextval('request_number')",
        "project_id": "copies.project",
        "environment_id": "copies.environment",
        "idempotency_key": "copies.request::text",
        "status": "'submitted'",
        "snapshot_id": "NULL",
        "verdict_id": "NULL",
        "created_at": "copies.at",
        "decide_by": "copies.at + interval '7 days'",
    }
    snapshots = {"id": "copies.snapshot", "request_id": "copies.request", "facts": facts}
    verdicts = {
        "id": "copies.verdict",
        "request_id": "copies.request",
        "snapshot_id": "copies.snapshot",
        "body": "jsonb_set(m.body, '{obligations,0,groups}', jsonb_build_array(copies.name))",
    }
    return [
        _copied(Request, model.pk, requests),
        _copied(Snapshot, model.snapshot_id, snapshots),
        _copied(Verdict, model.verdict_id, verdicts),
    ]


def _copied(kind: type[Model], one: object, changes: dict[str, str]) -> str:
    """INSERT ... SELECT of all columns of one row, `changes` put over them, once for each copy."""
    columns = [field.column for field in kind._meta.concrete_fields]
    values = [changes.get(column, f"m.{column}") for column in columns]
    table = kind._meta.db_table
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM {table} AS m CROSS JOIN copies WHERE m.id = '{one}' ORDER BY copies.n"
    )
