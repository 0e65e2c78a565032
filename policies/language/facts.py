"""Facts as the evaluator sees them: typed values checked once at the door, or unknown.

The engine compares text up to the first NUL and can be crashed by foreign types, so nothing
that has not passed `check_value` may reach it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from policies.language.schema import (
    CURRENT_SCHEMA,
    SCHEMAS,
    FactType,
    Kind,
    Provenance,
    Schema,
    Value,
)
from portal.kernel.canonical import JSON, MAX_SAFE_INTEGER
from portal.kernel.text import make_visible

__all__ = [
    "CURRENT_SCHEMA",
    "SCHEMAS",
    "FactState",
    "FactType",
    "FactValueError",
    "Facts",
    "Kind",
    "Known",
    "Provenance",
    "Schema",
    "Unknown",
    "Value",
    "check_value",
    "value_to_json",
]

UnknownKind = Literal["pending", "unavailable", "absent"]

MAX_STRING = 8_192
MAX_REASON = 300
MAX_ITEMS = 2_000
MAX_LIST_CHARACTERS = 262_144
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text",
          list: "a list", tuple: "a list", dict: "an object"}  # fmt: skip


class FactValueError(ValueError):
    """A value that may not become a fact: `fact` is its name, `sentence` says why not."""

    def __init__(self, fact: str, sentence: str) -> None:
        super().__init__(f"{fact}: {sentence}")
        self.fact = fact
        self.sentence = sentence


def check_value(fact_type: FactType, value: object) -> Value:
    """`value` as this fact holds it (a list becomes a tuple). Raises FactValueError."""
    name, kind = fact_type.name, fact_type.kind
    if kind == "list":
        return _check_list(name, value)
    if kind == "string":
        return _check_enumeration(fact_type, _check_string(name, value, "text"))
    if kind == "bool":
        if not isinstance(value, bool):
            raise FactValueError(name, f"must be true or false, not {_type_of(value)}")
        return value
    return _check_number(name, kind, value)


def _check_number(name: str, kind: Kind, value: object) -> Value:
    wanted = "a whole number" if kind == "int" else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FactValueError(name, f"must be {wanted}, not {_type_of(value)}")
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise FactValueError(name, "is too large; at most 53 bits")
        return value if kind == "int" else float(value)
    if kind == "int":
        raise FactValueError(name, "must be a whole number, not one with a fraction")
    if not math.isfinite(value):
        raise FactValueError(name, "must be a finite number")
    return value


def _check_string(name: str, value: object, what: str) -> str:
    # A subclass of str may lie about its length or its characters.
    if type(value) is not str:
        raise FactValueError(name, f"must be {what}, not {_type_of(value)}")
    if len(value) > MAX_STRING:
        raise FactValueError(name, f"is too long; at most {MAX_STRING} characters")
    if value.isprintable():  # nearly always, and quick
        return value
    if "\0" in value:
        raise FactValueError(name, "contains a NUL character; remove it")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise FactValueError(name, "is not valid Unicode text")
    return value


def _check_list(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise FactValueError(name, f"must be a list of texts, not {_type_of(value)}")
    if len(value) > MAX_ITEMS:
        raise FactValueError(name, f"has too many items; at most {MAX_ITEMS}")
    items = tuple(_check_string(name, item, "a list of texts") for item in value)
    if sum(map(len, items)) > MAX_LIST_CHARACTERS:
        raise FactValueError(name, f"is too long; at most {MAX_LIST_CHARACTERS} characters")
    return items


def _check_enumeration(fact_type: FactType, value: str) -> str:
    if fact_type.enumeration and value not in fact_type.enumeration:
        allowed = ", ".join(fact_type.enumeration)
        raise FactValueError(fact_type.name, f"must be one of {allowed}")
    return value


def _type_of(value: object) -> str:
    return "nothing" if value is None else _WORDS.get(type(value), type(value).__name__)


def read_plain(fact_type: FactType, text: str) -> Value:
    """The value of a fact from plain text, as people write it. Raises FactValueError."""
    if fact_type.kind == "bool":
        return check_value(fact_type, {"true": True, "false": False}.get(text, text))
    if fact_type.kind in {"int", "double"}:
        try:
            number = int(text) if fact_type.kind == "int" else float(text)
        except ValueError:
            return check_value(fact_type, text)  # says what it must be
        return check_value(fact_type, number)
    return check_value(fact_type, text)


def value_to_json(value: Value) -> JSON:
    """The canonical form of a value: doubles as decimal text, lists as lists."""
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return list(value) if isinstance(value, tuple) else value


def _value_from_json(fact_type: FactType, value: object) -> object:
    if fact_type.kind != "double" or not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        raise FactValueError(fact_type.name, "must be a number written as text") from None


@dataclass(frozen=True, slots=True)
class Known:
    """A fact whose value is known: who said so, and when it was so."""

    value: Value
    source: str
    observed_at: datetime
    provenance: Provenance

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form; the time in UTC with microseconds."""
        at = self.observed_at.astimezone(UTC).isoformat(timespec="microseconds")
        return {
            "value": value_to_json(self.value),
            "source": self.source,
            "observed_at": at.replace("+00:00", "Z"),
            "provenance": self.provenance,
        }


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact without a value.

    `pending`: being fetched. `unavailable`: its source does not answer. `absent`: there is none,
    as when no commit was named; the caller may have chosen that.
    """

    reason: str
    kind: UnknownKind

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return {"unknown": self.kind, "reason": self.reason}


FactState = Known | Unknown

NOT_GATHERED = Unknown("not gathered yet", "pending")
ERASED = Unknown("erased", "absent")
ONLY_CLAIMED = Unknown("only the caller said so", "absent")


class Facts(Mapping[str, FactState]):
    """An immutable set of facts of one schema. Raises FactValueError for what is not one."""

    __slots__ = ("_states", "schema")

    def __init__(self, states: Mapping[str, FactState], schema: str = CURRENT_SCHEMA) -> None:
        declared = SCHEMAS[schema]
        self.schema = schema
        self._states: Mapping[str, FactState] = MappingProxyType(
            {name: _checked(name, states[name], declared) for name in sorted(states)}
        )

    def __getitem__(self, name: str) -> FactState:
        return self._states[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def __repr__(self) -> str:
        return f"Facts({dict(self._states)!r})"

    def state(self, name: str) -> FactState:
        """The fact, or Unknown (pending) when nobody put it in yet."""
        return self._states.get(name, NOT_GATHERED)

    def replaced(self, states: Mapping[str, FactState]) -> "Facts":
        """These facts with `states` put over them."""
        return Facts({**self._states, **states}, self.schema)

    def without(self, names: Iterable[str]) -> "Facts":
        """These facts without `names`."""
        gone = set(names)
        return self._kept({name for name in self._states if name not in gone})

    def attested(self) -> "Facts":
        """These facts without what the caller only claims."""
        declared = SCHEMAS[self.schema]
        return self._kept({name for name in self._states if not declared[name].claimed})

    def _kept(self, names: set[str]) -> "Facts":
        return Facts._made({n: s for n, s in self._states.items() if n in names}, self.schema)

    @classmethod
    def _made(cls, states: Mapping[str, FactState], schema: str) -> "Facts":
        # Checked once is enough: a long list would be gone through again for every policy.
        made = object.__new__(cls)
        made.schema = schema
        made._states = MappingProxyType(states)
        return made

    def to_json(self) -> dict[str, JSON]:
        """Every fact in canonical-JSON-safe form; `from_json` reads it back."""
        return {name: state.to_json() for name, state in self._states.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, object], schema: str = CURRENT_SCHEMA) -> "Facts":
        """Facts as `to_json` stored them. Raises FactValueError for anything else."""
        states = {name: _state_from_json(name, data[name], schema) for name in sorted(data)}
        return cls._made(states, schema)


def _checked(name: str, state: FactState, declared: Schema) -> FactState:
    fact_type = declared.get(name)
    if fact_type is None:
        raise FactValueError(name, "is not a fact of this schema")
    if isinstance(state, Unknown):
        return _shown(state.reason, state.kind)
    # Provenance is the schema's word: a source cannot promote a claim.
    if state.provenance != fact_type.provenance:
        raise FactValueError(name, f"must be {fact_type.provenance}, not {state.provenance}")
    value = check_value(fact_type, state.value)
    return Known(value, state.source, _zoned(name, state.observed_at), state.provenance)


def _shown(reason: str, kind: UnknownKind) -> Unknown:
    """Reasons quote what went wrong outside; they must not break what stores or shows them."""
    return Unknown(make_visible(reason)[:MAX_REASON], kind)


def _state_from_json(name: str, data: object, schema: str) -> FactState:
    fact_type = SCHEMAS[schema].get(name)
    if fact_type is None:
        raise FactValueError(name, "is not a fact of this schema")
    match data:
        case {"unknown": ("pending" | "unavailable" | "absent") as kind, "reason": str(reason)}:
            return _shown(reason, kind)
        case {"commit": str()}:
            return ERASED
        case {"provenance": "claimed"} if not fact_type.claimed:
            return ONLY_CLAIMED  # it was a claim when it was stored, and is none any more
        case {"value": value, "source": str(source), "observed_at": str(at)}:
            checked = check_value(fact_type, _value_from_json(fact_type, value))
            return Known(checked, source, _moment(name, at), fact_type.provenance)
    raise FactValueError(name, "is not stored as a fact is")


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FactValueError(name, "has a bad time") from None
    return _zoned(name, moment)


def _zoned(name: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise FactValueError(name, "needs a time with a zone")
    return moment
