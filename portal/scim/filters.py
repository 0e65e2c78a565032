"""The filters that a directory searches with, as conditions on rows: `eq`, `and`, `or`."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any, NoReturn
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from scim2_models import InvalidFilterException, ScimFilter
from scim2_models.path import (
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
)

from portal.directory.models import Membership
from portal.kernel.text import text_problem
from portal.scim.models import Directory

MOST_CHARACTERS = 2_000

Column = Callable[[Directory, Any], Q]
NOTHING = Q(pk__in=[])


def _id(field: str) -> Column:
    return lambda _directory, value: _matching_id(field, value)


def _matching_id(field: str, value: Any) -> Q:
    try:
        return Q(**{field: UUID(str(value))})
    except ValueError:
        return NOTHING


def _field(lookup: str) -> Column:
    return lambda _directory, value: Q(**{lookup: value})


def _flag(lookup: str) -> Column:
    """Some send a boolean as text."""
    known = {"true": Q(**{lookup: True}), "false": Q(**{lookup: False})}
    return lambda _directory, value: known.get(str(value).lower(), NOTHING)


def _member(directory: Directory, value: Any) -> Q:
    rows = Membership.objects.filter(group=OuterRef("group"), source=directory.source)
    return Q(Exists(rows.filter(_matching_id("person", value))))


# The urn of an attribute, in small letters and without its schema's, and what it is compared with.
USERS: Mapping[str, Column] = {
    "id": _id("person"),
    "externalid": _field("external_id"),
    "username": _field("person__username__iexact"),
    "displayname": _field("profile__displayName__iexact"),
    "emails.value": _field("person__email__iexact"),
    "active": _flag("person__is_active"),
}
GROUPS: Mapping[str, Column] = {
    "id": _id("group"),
    "externalid": _field("external_id"),
    "displayname": _field("display_name__iexact"),
    "members.value": _member,
}


def condition(found: ScimFilter[Any], columns: Mapping[str, Column], directory: Directory) -> Q:
    """`found` as a condition on what `directory` keeps. Raises InvalidFilterException."""
    return _Condition(found, columns, directory).visit(found.ast)


class _Condition(FilterVisitor[Q]):
    def __init__(
        self, found: ScimFilter[Any], columns: Mapping[str, Column], directory: Directory
    ) -> None:
        self._filter, self._columns, self._directory = found, columns, directory

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        join = and_ if node.op == LogicalOperator.and_ else or_
        return reduce(join, (self.visit(term) for term in node.terms))

    def visit_comparison(self, node: Comparison) -> Q:
        bound = self._filter.resolve_comparison(node.attr_path)
        name = bound.urn.rpartition(":")[2].lower() if bound else ""
        column = self._columns.get(name)
        if column is None or node.op != CompareOperator.eq:
            _refuse(f"{node} is not answered: compare {', '.join(self._columns)} by eq.")
        if isinstance(node.value, str) and text_problem(node.value):
            return NOTHING
        return column(self._directory, node.value)

    def visit_present(self, node: FilterNode) -> Q:
        _refuse(f"{node} is not answered: compare by eq, join by and, or.")

    visit_not = visit_value_path = visit_present


def _refuse(sentence: str) -> NoReturn:
    raise InvalidFilterException(detail=sentence)
