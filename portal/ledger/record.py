"""The only writer of the ledger.

`record` must run inside the transaction that makes the change, so that neither exists without the
other. One statement writes the entry and wakes the listeners; the wake-up carries ids only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection

from portal.kernel.canonical import canonical
from portal.kernel.clock import now, rfc3339
from portal.kernel.ids import new_id
from portal.ledger.actors import Actor
from portal.ledger.chain import MAX_PAYLOAD_BYTES, leaf_hash
from portal.ledger.events import PAYLOAD_VERSION, check_event

CHANNEL = "countersign"

_INSERT = """
WITH entries AS (
    INSERT INTO ledger_entry (event_id, project, request, type, actor_ref, outcome, payload)
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[],
                         %s::bytea[])
    RETURNING id
), last AS (SELECT max(id) AS id FROM entries)
SELECT id, CASE WHEN %s::text IS NULL THEN NULL
                ELSE pg_notify(%s, jsonb_set(%s::jsonb, '{position}', to_jsonb(id))::text) END
FROM last
"""
_HINT = """
SELECT pg_notify(%s, jsonb_set(%s::jsonb, '{position}',
    to_jsonb((SELECT coalesce(max(id), 0) FROM ledger_entry)))::text)
"""


class NotInTransaction(RuntimeError):
    """The ledger was written outside a transaction: change and entry could part."""


@dataclass(frozen=True)
class NewEntry:
    """An entry ready to be written; make it with `new_entry`."""

    event_id: UUID
    project: UUID | None
    request: UUID | None
    type: str
    actor_ref: str
    outcome: str
    payload: bytes
    leaf: bytes


def new_entry(
    event: str,
    *,
    actor: Actor,
    project: UUID | None = None,
    request: UUID | None = None,
    outcome: str = "",
    history: Mapping[str, Any] | None = None,
    **parts: Any,
) -> NewEntry:
    """Build one entry. `history` is `{seq, prev}` of a request; `parts` as the catalogue allows.

    Raises UnknownEvent, NotCanonical, and ValueError for a payload over 60 KiB.
    """
    check_event(event, frozenset(parts))
    event_id = new_id()
    payload = canonical(
        {
            "v": PAYLOAD_VERSION,
            "id": str(event_id),
            "type": event,
            "time": rfc3339(now()),
            "project": str(project) if project else None,
            "request": str(request) if request else None,
            "actor": actor.to_json(),
            "outcome": outcome,
            "portal": {"version": settings.VERSION},
            **(history or {}),
            **parts,
        }
    )
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"{event}: payload of {len(payload)} bytes is over {MAX_PAYLOAD_BYTES}")
    return NewEntry(
        event_id, project, request, event, actor.ref, outcome, payload, leaf_hash(payload)
    )


def append(entries: Sequence[NewEntry], *, wake: Mapping[str, Any] | None = None) -> int:
    """Write entries in their order, in one statement; the number of the last one.

    `wake` (ids only) is what listeners get on commit. Raises NotInTransaction.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(entries[0].type)
    message = orjson.dumps(wake).decode() if wake is not None else None
    columns = [
        [getattr(entry, name) for entry in entries]
        for name in (
            "event_id",
            "project",
            "request",
            "type",
            "actor_ref",
            "outcome",
            "payload",
        )
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [*columns, message, CHANNEL, message])
        return int(cursor.fetchone()[0])


def hint(*, request: UUID, project: UUID) -> None:
    """Tell listeners to read a request again where no entry says so; version 0 is "some"."""
    wake = {"request": str(request), "project": str(project), "version": 0}
    with connection.cursor() as cursor:
        cursor.execute(_HINT, [CHANNEL, orjson.dumps(wake).decode()])


def hint_person(person: UUID) -> None:
    """Tell open streams to read again what this person may see, or that they may nothing."""
    with connection.cursor() as cursor:
        wake = orjson.dumps({"person": str(person)}).decode()
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, wake])


def record(event: str, *, actor: Actor, **parts: Any) -> int:
    """Append one entry that belongs to no request's history; its number. Raises as above."""
    return append([new_entry(event, actor=actor, **parts)])
