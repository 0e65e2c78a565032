"""The facts of a schema in words, made from the schema so that the two cannot differ."""

from collections.abc import Iterable

from policies.language.schema import GROUPS, SCHEMAS, FactType
from policies.language.template import show

_KINDS = {"list": "list of texts", "string": "text", "int": "whole number", "double": "number"}


def kind_words(fact: FactType) -> str:
    """The type of a fact: `whole number`, `one of success, failure`."""
    if fact.enumeration:
        return "one of " + ", ".join(fact.enumeration)
    return _KINDS.get(fact.kind, "true or false")


def meaning(fact: FactType) -> str:
    """What it says, with its unit."""
    return f"{fact.description[:-1]} ({fact.unit})." if fact.unit else fact.description


def by_group(schema: str) -> dict[str, list[FactType]]:
    """The facts of a schema by group, in the order of the schema."""
    found: dict[str, list[FactType]] = {}
    for fact in SCHEMAS[schema].values():
        found.setdefault(fact.group, []).append(fact)
    return found


def families(schema: str) -> list[FactType]:
    """Each family of a schema as a fact of it that is called NAME."""
    return [
        FactType(f"{one.name}.NAME", one.kind, "attested", one.description, one.example)
        for one in SCHEMAS[schema].families.values()
    ]


def fact_tables(schema: str) -> str:
    """The facts of a schema as Markdown: a heading, a sentence and a table for each group."""
    parts = [
        f"### {group}\n\n{GROUPS[group]}\n\n{_table(facts)}\n"
        for group, facts in by_group(schema).items()
    ]
    return "\n".join(parts)


def family_table(schema: str) -> str:
    """The families of a schema as a Markdown table."""
    return _table(families(schema))


def _table(facts: Iterable[FactType]) -> str:
    rows = ["| fact | type | provenance | meaning | example |", "|---|---|---|---|---|"]
    return "\n".join([*rows, *(_row(fact) for fact in facts)])


def _row(fact: FactType) -> str:
    return (
        f"| `{fact.name}` | {kind_words(fact)} | {fact.provenance}"
        f" | {meaning(fact)} | `{show(fact.example)}` |"
    )
