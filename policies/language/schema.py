"""The fact schema: every fact a condition may name, with its type and where it comes from.

Once a release carries a schema it never changes, because stored policy versions were checked
against it; new facts then make a new schema beside the old one. No release carries v1 yet: until
then facts may be added to it, never taken out or given another type.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from policies.language.problems import did_you_mean
from policies.language.vocabulary import asked, change, operations, portal
from policies.language.vocabulary.fact import FactType, Kind, Provenance, Value
from policies.language.vocabulary.family import FAMILIES, Family

__all__ = [
    "CURRENT_SCHEMA",
    "GROUPS",
    "SCHEMAS",
    "FactType",
    "Family",
    "Kind",
    "Provenance",
    "Schema",
    "Value",
    "facts_given",
    "unknown_fact",
    "use_schema",
]

CURRENT_SCHEMA = "v1"


class Schema(Mapping[str, FactType]):
    """Facts by name. It has those of its families too, but only goes through the others: nobody
    knows beforehand what a connection will name."""

    __slots__ = ("_facts", "families", "words")

    def __init__(self, facts: Iterable[FactType], families: Iterable[Family] = ()) -> None:
        self._facts = {fact.name: fact for fact in facts}
        self.families = {family.name: family for family in families}
        #: First words of facts: nothing else in a document may be called so.
        self.words = frozenset(fact.group for fact in self._facts.values()) | self.families.keys()

    def __getitem__(self, name: str) -> FactType:
        found = self._facts.get(name) or self._of_family(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schema):
            return NotImplemented
        return (self._facts, self.families) == (other._facts, other.families)

    __hash__ = None  # type: ignore[assignment]

    def _of_family(self, name: str) -> FactType | None:
        family = self.families.get(name.partition(".")[0])
        return family.fact(name) if family else None

    def only(self, names: Iterable[str]) -> tuple[FactType, ...]:
        """The facts of these names, in the order of the schema; those of families at the end.

        Raises KeyError for what is no fact.
        """
        wanted = set(names)
        fixed = [self._facts[name] for name in self._facts if name in wanted]
        return (*fixed, *(self[name] for name in sorted(wanted - self._facts.keys())))

    def named_in(self, condition: str) -> frozenset[str]:
        """The facts of families that the text of a condition may mean; perhaps some more."""
        found = _DOTTED.findall(condition)
        return frozenset(f"{first}.{rest}" for first, rest in found if first in self.families)

    def near(self, name: str) -> list[str]:
        """The names to look through for what may have been meant by `name`."""
        first, _, rest = name.partition(".")
        families = difflib.get_close_matches(first, self.families)
        return [*self._facts, *(f"{one}.{rest}" for one in families if f"{one}.{rest}" in self)]


_DOTTED = re.compile(r"\b([a-z]+)\s*\.\s*([a-z][a-z0-9_]*)")
_GROUPS = (*asked.GROUPS, *portal.GROUPS, *change.GROUPS, *operations.GROUPS)
_SCHEMAS = {"v1": Schema((fact for one in _GROUPS for fact in one.facts), FAMILIES)}
SCHEMAS: Mapping[str, Schema] = MappingProxyType(_SCHEMAS)
#: What each group of the current schema tells, as a sentence.
GROUPS: Mapping[str, str] = MappingProxyType({one.name: one.meaning for one in _GROUPS})


def use_schema(name: str, schema: Schema) -> None:
    """Judge by `schema` wherever a document names it: for a process that checks files for a portal
    of another release, never for the portal itself."""
    _SCHEMAS[name] = schema


@lru_cache(maxsize=256)
def facts_given(gives: tuple[str, ...]) -> tuple[FactType, ...]:
    """The facts of the current schema that whole groups, and single names, stand for."""
    schema = SCHEMAS[CURRENT_SCHEMA]
    single = {name for name in gives if "." in name}
    return schema.only(single | {fact.name for fact in schema.values() if fact.group in gives})


def unknown_fact(name: str, schema: Schema) -> str:
    """The message for a fact that the schema does not have."""
    return f"unknown fact '{name}'{did_you_mean(name, schema.near(name))}"
