"""The connections that reach one environment: what of them must be known to judge a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

# One value, to be joined to another statement about the same request: a POST has no room for one
# more (DESIGN section 9). The least specific first, of equals the younger: the last one wins.
CONNECTIONS_SQL = """
SELECT json_agg(c) AS connections FROM (
    SELECT id, kind, name, settings FROM approvals_connection
    WHERE archived_at IS NULL AND paused_at IS NULL
      AND (project_id IS NULL OR project_id = %(project)s)
      AND (environment_id IS NULL OR environment_id = %(environment)s)
    ORDER BY project_id IS NOT NULL, environment_id IS NOT NULL, created_at DESC, id DESC) AS c
"""


@dataclass(frozen=True)
class Configured:
    """A connection that is used, without its secrets and its state."""

    id: UUID
    kind: str
    name: str
    settings: Mapping[str, Any]


def configured_from(rows: list[dict[str, Any]] | None) -> tuple[Configured, ...]:
    """The value of CONNECTIONS_SQL."""
    return tuple(
        Configured(UUID(row["id"]), row["kind"], row["name"], row["settings"]) for row in rows or ()
    )
