"""A row with the rows it points to, read by a statement that is put together once.

What `select_related` does, without compiling the query anew each time: that takes longer than the
database needs to answer it. For the few reads that every call of a pipeline makes.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import ForeignKey, Model

M = TypeVar("M", bound=Model)


class Joined(Generic[M]):
    """`model` with the rows at the ends of `paths`, as select_related names them; a path comes
    after the one it goes through. In conditions the row itself is called `one`.

    `also`: an SQL expression for one more value, kept as the attribute `name`.
    """

    def __init__(self, model: type[M], *paths: str, **also: str) -> None:
        self._model = model
        self._paths = paths
        self._also = also

    def all(self, condition: str, parameters: Sequence[Any]) -> list[M]:
        """The rows where the SQL `condition`, written in code, holds; it may say their order."""
        with connection.cursor() as cursor:
            cursor.execute(f"{self._select} WHERE {condition}", parameters)
            return [self._instance(row) for row in cursor.fetchall()]

    def first(self, condition: str, parameters: Sequence[Any]) -> M | None:
        """The first of them."""
        return next(iter(self.all(condition, parameters)), None)

    @cached_property
    def _parts(self) -> dict[str, "_Part"]:
        parts = {"": _Part("one", self._model)}
        for path in self._paths:
            before, _, name = path.rpartition("__")
            parts[path] = parts[before].follow(name, path)
        return parts

    @cached_property
    def _select(self) -> str:
        parts = list(self._parts.values())
        wanted = [*(part.columns for part in parts), *self._also.values()]
        joins = " ".join(part.source for part in parts)
        return f"SELECT {', '.join(wanted)} FROM {joins}"  # noqa: S608  (names of columns only)

    def _instance(self, row: Sequence[Any]) -> M:
        found: dict[str, Any] = {}
        start = 0
        for path, part in self._parts.items():
            found[path] = part.instance(row[start : start + part.width])
            start += part.width
            before, _, name = path.rpartition("__")
            if path and found[before] is not None:
                setattr(found[before], name, found[path])
        for name, value in zip(self._also, row[start:], strict=True):
            setattr(found[""], name, value)
        return found[""]  # type: ignore[no-any-return]


class _Part:
    """One table of the statement."""

    def __init__(self, alias: str, model: type[Model], join: str = "") -> None:
        fields = model._meta.concrete_fields
        self._alias = alias = f'"{alias}"'  # a path may be a word of SQL
        self._model = model
        self._names = [field.attname for field in fields]
        self._key = self._names.index(model._meta.pk.attname)
        self._convert: list[tuple[int, Any, Callable[..., Any]]] = [
            (number, field.cached_col, field.from_db_value)
            for number, field in enumerate(fields)
            if hasattr(field, "from_db_value")
        ]
        self.width = len(fields)
        self.columns = ", ".join(f'{alias}."{field.column}"' for field in fields)
        table = f'"{model._meta.db_table}" {alias}'
        self.source = f"LEFT JOIN {table} ON {alias}.id = {join}" if join else table

    def follow(self, name: str, alias: str) -> "_Part":
        """The table at the end of a foreign key."""
        field = self._model._meta.get_field(name)
        if not isinstance(field, ForeignKey):
            raise TypeError(f"{name} is no foreign key")
        return _Part(alias, field.related_model, f'{self._alias}."{field.column}"')

    def instance(self, values: Sequence[Any]) -> Model | None:
        if values[self._key] is None:
            return None
        row = list(values)
        for number, expression, convert in self._convert:
            row[number] = convert(row[number], expression, connection)
        return self._model.from_db(connection.alias, self._names, row)
