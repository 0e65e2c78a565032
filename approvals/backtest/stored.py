"""Requests as they were judged first, read page by page for a replay."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from approvals.models import Backtest
from policies.governance import DIGEST, TEXT
from policies.models import PolicyVersion
from policies.replaying import Row, Version
from portal.kernel.canonical import sha256_digest

# The last verdict of the first round: what people decided on, or policy alone, before any drift.
_PAGE = """
SELECT r.id, project.slug, environment.name, r.action,
       verdict.outcome, verdict.body -> 'policies', verdict.body -> 'obligations', snapshot.facts
FROM approvals_request AS r
JOIN portal_project AS project ON project.id = r.project_id
JOIN portal_environment AS environment ON environment.id = r.environment_id
LEFT JOIN LATERAL (
    SELECT outcome, body, snapshot_id FROM approvals_verdict
    WHERE request_id = r.id AND round = 1 ORDER BY id DESC LIMIT 1
) AS verdict ON true
LEFT JOIN approvals_snapshot AS snapshot ON snapshot.id = verdict.snapshot_id
WHERE r.id > %s AND r.id <= %s AND r.environment_id = ANY(%s::uuid[])
ORDER BY r.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the requests they are of; JSON is left as PostgreSQL writes it."""

    requests: list[UUID]
    rows: list[Row]


def read_page(backtest: Backtest, after: UUID | None, most: int) -> Page:
    """Up to `most` requests of the range after `after`, oldest first."""
    if after is None:
        after = UUID(int=backtest.first.int - 1) if backtest.first else UUID(int=0)
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, [after, backtest.last, backtest.environments, most])
        found = cursor.fetchall()
    return Page([row[0] for row in found], [row[1:] for row in found])


class VersionsThen:
    """The policy versions that stored verdicts name, each read once."""

    def __init__(self) -> None:
        self._known: dict[str, Version | None] = {DIGEST: (TEXT, 1, DIGEST)}

    def named_by(self, rows: Iterable[Row]) -> dict[str, Version]:
        """Those that took part, by digest; not those that are damaged or gone."""
        lists = {row[4] for row in rows if row[4]}  # nearly always the same few
        refs = {ref["digest"]: ref for text in lists for ref in orjson.loads(text)}
        for digest in refs.keys() - self._known.keys():
            self._known[digest] = _load(refs[digest])
        known = {digest: self._known[digest] for digest in refs}
        return {digest: version for digest, version in known.items() if version is not None}


def _load(ref: Mapping[str, Any]) -> Version | None:
    found = PolicyVersion.objects.filter(policy__name=ref["policy"], number=ref["version"])
    row = found.values_list("text", "number").first()
    if row is None or sha256_digest(row[0].encode()) != ref["digest"]:
        return None
    return row[0], row[1], ref["digest"]
