"""The fact schema of a portal, read from what `GET /api/v1/policies/facts` answers."""

from dataclasses import fields
from typing import Any, get_args

import orjson

from policies.language.schema import FactType, Kind, Provenance, Schema

MAX_FACTS = 2_000
#: What the answer calls a field of FactType, where the two differ.
_CALLED = {"description": "meaning"}
_ALLOWED = {"kind": get_args(Kind), "provenance": get_args(Provenance)}


class SchemaError(ValueError):
    """Not a fact schema; the sentence says what is wrong."""


def read_schema(raw: bytes) -> tuple[str, Schema]:
    """Name and facts of the schema. Raises SchemaError."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise SchemaError(f"it is not JSON: {error}") from None
    name, rows = (found.get(key) for key in ("version", "facts")) if _is_object(found) else ("", [])
    if not isinstance(name, str) or not isinstance(rows, list) or not (name and rows):
        raise SchemaError("it has no version and facts; download it from the portal again")
    if len(rows) > MAX_FACTS:
        raise SchemaError(f"it has more than {MAX_FACTS} facts")
    facts = [_fact(row, number) for number, row in enumerate(rows, start=1)]
    return name, {fact.name: fact for fact in facts}


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _fact(row: Any, number: int) -> FactType:
    """One declared fact; every field must be there, with what it may hold."""
    values: dict[str, Any] = {}
    for field in fields(FactType):
        called = _CALLED.get(field.name, field.name)
        if not _is_object(row) or called not in row:
            raise SchemaError(f"fact {number} has no {called}")
        value = row[called]
        if value not in _ALLOWED.get(field.name, (value,)):
            raise SchemaError(f"the {called} of fact {number} is not one that is known here")
        values[field.name] = tuple(value) if isinstance(value, list) else value
    fact = FactType(**values)
    texts = (fact.name, fact.source, fact.description, fact.unit, *fact.enumeration)
    if not all(isinstance(text, str) for text in texts) or "." not in fact.name:
        raise SchemaError(f"fact {number} is not declared as a fact is")
    return fact
