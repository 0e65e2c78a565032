"""What a declared fact is, and how the modules beside this one declare them."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["bool", "int", "double", "string", "list"]
Provenance = Literal["attested", "claimed"]
Value = bool | int | float | str | tuple[str, ...]
Row = tuple[str, Kind, str, Value] | tuple[str, Kind, str, Value, tuple[str, ...] | str]

COMMIT = "9f3c1ab70d4e52c68a1b3f0e7d2c4b5a69788790"
DIGEST = "sha256:" + "7be1" * 16


@dataclass(frozen=True, slots=True)
class FactType:
    """One declared fact. Kind "list" is a list of strings; no enumeration means any value.

    `example` is a value it could have, for people who write policies.
    """

    name: str
    kind: Kind
    provenance: Provenance
    description: str
    example: Value
    enumeration: tuple[str, ...] = ()
    unit: str = ""

    @property
    def group(self) -> str:
        """The first word of its name: facts of one group come from one kind of place."""
        return self.name.partition(".")[0]

    @property
    def claimed(self) -> bool:
        """Whether the caller alone says so."""
        return self.provenance == "claimed"


@dataclass(frozen=True, slots=True)
class Group:
    """Facts with one first word; `meaning` says what they tell, as a sentence."""

    name: str
    meaning: str
    facts: tuple[FactType, ...]


def group(
    name: str, meaning: str, attested: tuple[Row, ...] = (), claimed: tuple[Row, ...] = ()
) -> Group:
    """A group from rows: last word of the name, kind, description, example, and perhaps the values
    it may have (a tuple) or its unit (a text)."""
    facts = [_fact(name, row, "attested") for row in attested]
    facts += [_fact(name, row, "claimed") for row in claimed]
    return Group(name, meaning, tuple(facts))


def _fact(prefix: str, row: Row, provenance: Provenance) -> FactType:
    name, kind, description, example, *rest = row
    extra = rest[0] if rest else ()
    return FactType(
        name=f"{prefix}.{name}",
        kind=kind,
        provenance=provenance,
        description=description,
        example=example,
        enumeration=extra if isinstance(extra, tuple) else (),
        unit=extra if isinstance(extra, str) else "",
    )
