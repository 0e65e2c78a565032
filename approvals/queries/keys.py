"""Which requests a list shows: ids, a bounded number from each place that a person sees.

One OR over projects, environments and groups makes PostgreSQL read every request that waits. Asking
each place for its own first rows, in the order of an index (LATERAL), reads only what can be on the
page. `visible.seen_with` says the same in one condition; a test compares the two.
"""

# ruff: noqa: S608, S611  (the text is put together of our own parts; every value is a parameter)

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.expressions import RawSQL

from approvals.queries.filters import Condition
from approvals.queries.visible import Sight
from approvals.states import WAITING

_WAITS = f"r.status IN ({', '.join(repr(status.value) for status in sorted(WAITING))})"


@dataclass(frozen=True)
class Order:
    """An order that has an index, in columns of the request (r) and of the awaited group (a).

    `requests` and `awaited` say which rows are listed at all.
    """

    columns: str
    by: str
    requests: str
    awaited_columns: str
    awaited_by: str
    awaited: str


TIME_LEFT = Order(
    columns="r.decide_by, r.id",
    by="decide_by, id",
    requests=_WAITS,
    awaited_columns="a.decide_by, a.request_id AS id",
    awaited_by="a.decide_by, a.request_id",
    awaited="a.waiting",
)
NEWEST = Order(
    columns="r.id",
    by="id DESC",
    requests="true",
    awaited_columns="a.request_id AS id",
    awaited_by="a.request_id DESC",
    awaited="true",
)


@dataclass(frozen=True)
class Part:
    """SQL with its parameters."""

    sql: str
    params: tuple[Any, ...]


def first_keys(
    sight: Sight, order: Order, most: int, where: Condition, *, groups_only: bool = False
) -> RawSQL:
    """Ids of the first `most` requests in `order`: what `pk__in` takes."""
    found = _union(_parts(sight, order, most, where, groups_only=groups_only))
    ids = f"SELECT id FROM ({found.sql}) AS keys ORDER BY {order.by} LIMIT %s"
    return RawSQL(ids, (*found.params, most))


def count_keys(sight: Sight, order: Order, most: int, *, groups_only: bool = False) -> Part:
    """A SELECT that counts the same requests, exactly up to `most`."""
    found = _union(_parts(sight, order, most, Condition(), groups_only=groups_only, enough=True))
    return Part(
        f"SELECT count(*) FROM (SELECT id FROM ({found.sql}) AS keys LIMIT %s) AS counted",
        (*found.params, most),
    )


def _parts(
    sight: Sight,
    order: Order,
    most: int,
    where: Condition,
    *,
    groups_only: bool,
    enough: bool = False,
) -> list[Part]:
    """One SELECT for each kind of place. `enough`: `most` of all places, whichever they are."""
    if sight.projects is None and not groups_only:
        return [_rows(order, where, most)]
    parts = []
    if not groups_only:
        parts = [
            _of_projects(sight.projects or [], order, where, most),
            _of_environments(sight.environments, order, where, most),
            _asked_by(sight.person, order, where, most),
        ]
        if enough:  # no request is in two projects, so the first ones are as good as any
            parts = [Part(f"{part.sql} LIMIT %s", (*part.params, most)) for part in parts]
    return [*parts, _of_groups(sight, order, where, most)]


def _rows(order: Order, where: Condition, most: int, *places: str) -> Part:
    conditions = " AND ".join([*places, order.requests, *where.sql])
    return Part(
        f"SELECT {order.columns} FROM approvals_request AS r WHERE {conditions}"
        f" ORDER BY {order.by} LIMIT %s",
        (*where.params, most),
    )


def _of_projects(ids: Sequence[Any], order: Order, where: Condition, most: int) -> Part:
    rows = _rows(order, where, most, "r.project_id = place.id")
    return _each("unnest(%s::uuid[]) AS place(id)", ids, rows)


def _of_environments(ids: Sequence[Any], order: Order, where: Condition, most: int) -> Part:
    of_place = ("r.project_id = place.project_id", "r.environment_id = place.id")
    rows = _rows(order, where, most, *of_place)
    places = "(SELECT id, project_id FROM portal_environment WHERE id = ANY(%s::uuid[])) AS place"
    return _each(places, ids, rows)


def _asked_by(person: Any, order: Order, where: Condition, most: int) -> Part:
    rows = _rows(order, where, most, "r.owner_id = place.id", "r.policy_version_id IS NOT NULL")
    return _each("unnest(%s::uuid[]) AS place(id)", [person], rows)


def _of_groups(sight: Sight, order: Order, where: Condition, most: int) -> Part:
    table = "approvals_awaitedgroup AS a"
    if where.sql:
        table += " JOIN approvals_request AS r ON r.id = a.request_id"
    conditions = " AND ".join(["a.group_id = place.id", order.awaited, *where.sql])
    rows = Part(
        f"SELECT {order.awaited_columns} FROM {table} WHERE {conditions}"
        f" ORDER BY {order.awaited_by} LIMIT %s",
        (*where.params, most),
    )
    return _each("unnest(%s::uuid[]) AS place(id)", list(sight.groups), rows)


def _each(places: str, ids: Sequence[Any], rows: Part) -> Part:
    return Part(
        f"SELECT top.* FROM {places} CROSS JOIN LATERAL ({rows.sql}) AS top",
        (list(ids), *rows.params),
    )


def _union(parts: list[Part]) -> Part:
    """Each request once, also where one part alone finds it by two groups."""
    params = tuple(param for part in parts for param in part.params)
    if len(parts) == 1:
        return Part(f"SELECT DISTINCT * FROM ({parts[0].sql}) AS one", params)
    return Part(" UNION ".join(f"({part.sql})" for part in parts), params)
