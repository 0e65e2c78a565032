"""The fact schema of a portal, read from what `GET /api/v1/policies/facts` answers."""

from dataclasses import fields
from typing import Any, TypeVar, get_args

import orjson

from policies.language.schema import FactType, Family, Kind, Provenance, Schema

MAX_FACTS = 2_000
_INCOMPLETE = "it has no version, facts and families; download it from the portal again"
#: What the answer calls a field of FactType, where the two differ.
_CALLED = {"description": "meaning"}
_ALLOWED = {"kind": get_args(Kind), "provenance": get_args(Provenance)}

Declared = TypeVar("Declared", FactType, Family)


class SchemaError(ValueError):
    """Not a fact schema; the sentence says what is wrong."""


def read_schema(raw: bytes) -> tuple[str, Schema]:
    """Name and facts of the schema. Raises SchemaError."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise SchemaError(f"it is not JSON: {error}") from None
    parts = ("version", "facts", "families")
    name, rows, open_ = (found.get(part) for part in parts) if _is_object(found) else ("", [], [])
    if not isinstance(name, str) or not isinstance(rows, list) or not isinstance(open_, list):
        raise SchemaError(_INCOMPLETE)
    if not (name and rows):
        raise SchemaError(_INCOMPLETE)
    if len(rows) + len(open_) > MAX_FACTS:
        raise SchemaError(f"it has more than {MAX_FACTS} facts")
    facts = [_fact(row, number) for number, row in enumerate(rows, start=1)]
    return name, Schema(facts, [_family(row, number) for number, row in enumerate(open_, start=1)])


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _fact(row: Any, number: int) -> FactType:
    fact = _declared(FactType, row, f"fact {number}")
    texts = (fact.name, fact.description, fact.unit, *fact.enumeration)
    if not all(isinstance(text, str) for text in texts) or "." not in fact.name:
        raise SchemaError(f"fact {number} is not declared as a fact is")
    return fact


def _family(row: Any, number: int) -> Family:
    family = _declared(Family, row, f"family {number}")
    if not isinstance(family.name, str) or not isinstance(family.description, str):
        raise SchemaError(f"family {number} is not declared as a family is")
    return family


def _declared(kind: type[Declared], row: Any, what: str) -> Declared:
    """A row as what it declares; every field must be there, with what it may hold."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        called = _CALLED.get(field.name, field.name)
        if not _is_object(row) or called not in row:
            raise SchemaError(f"{what} has no {called}")
        value = row[called]
        if value not in _ALLOWED.get(field.name, (value,)):
            raise SchemaError(f"the {called} of {what} is not one that is known here")
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)
