"""Pages of the ledger, newest first, by keyset on the entry's number: nothing is ever counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from approvals.audit.ledger_filters import LedgerFilters, Wanted, wanted
from approvals.audit.scope import AuditScope
from approvals.queries.history import names_of, sentence_of
from portal.directory.models import Project

PAGE = 50

_COLUMNS = "e.id, e.at, e.type, e.outcome, e.actor_ref, e.project, e.request"
_ALL = "SELECT {columns} FROM ledger_entry e WHERE {where} ORDER BY e.id {order} LIMIT {most}"
# Value by value, so that an index gives each one's page in its order: `= ANY` alone would make
# PostgreSQL read past everything else that happened since.
_EACH = """
    SELECT found.* FROM unnest(%(each)s::{kind}[]) AS one (value) CROSS JOIN LATERAL (
        SELECT {columns} FROM ledger_entry e WHERE e.{column} = one.value AND {where}
        ORDER BY e.id {order} LIMIT {most}
    ) AS found ORDER BY found.id {order} LIMIT {most}
"""
_INDEXED = (("actor_ref", "text"), ("project", "uuid"), ("type", "text"))


@dataclass(frozen=True)
class LedgerRow:
    """An entry in words; `actor` is a name, or the reference where it was erased."""

    id: int
    at: datetime
    type: str
    sentence: str
    outcome: str
    actor: str
    project: UUID | None
    slug: str
    request: UUID | None


@dataclass(frozen=True)
class LedgerPage:
    """Up to fifty rows; `newer` and `older` are the numbers at which the next pages begin."""

    rows: list[LedgerRow]
    newer: int | None
    older: int | None


def ledger_page(scope: AuditScope, filters: LedgerFilters) -> LedgerPage:
    """One page in four statements. Raises Invalid, saying which filter and why."""
    asked = wanted(scope, filters)
    upwards = bool(filters.after)
    found = _fetch(asked, "ASC" if upwards else "DESC")
    more, found = len(found) > PAGE, found[:PAGE]
    if upwards:
        found.reverse()
    rows = _rows(found)
    if not rows:
        return LedgerPage([], None, None)
    has_newer = more if upwards else bool(filters.before)
    has_older = upwards or more
    return LedgerPage(rows, rows[0].id if has_newer else None, rows[-1].id if has_older else None)


def _fetch(asked: Wanted, order: str) -> list[tuple[Any, ...]]:
    others, parameters = dict(asked.among), dict(asked.parameters)
    each = next(((name, kind) for name, kind in _INDEXED if name in others), None)
    column, kind = each or ("", "")
    if each:
        parameters["each"] = others.pop(column)
    conditions = [f"e.{name} = ANY(%({name})s)" for name in others] + asked.conditions
    sql = (_EACH if each else _ALL).format(
        columns=_COLUMNS,
        column=column,
        kind=kind,
        where=" AND ".join(conditions) or "true",
        order=order,
        most=PAGE + 1,
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {**parameters, **others})
        return list(cursor.fetchall())


def _rows(found: list[tuple[Any, ...]]) -> list[LedgerRow]:
    names = names_of({ref for _id, _at, _type, _outcome, ref, _project, _request in found})
    places = {project for *_others, project, _request in found if project}
    slugs = dict(Project.objects.filter(pk__in=places).values_list("pk", "slug"))
    return [
        LedgerRow(
            id=number,
            at=at,
            type=kind,
            sentence=sentence_of(kind, outcome),
            outcome=outcome,
            actor=names.get(ref, ref),
            project=project,
            slug=slugs.get(project, ""),
            request=request,
        )
        for number, at, kind, outcome, ref, project, request in found
    ]
