"""The facts of a schema in words, made from the schema so that the two cannot differ."""

from policies.language.schema import SCHEMAS, FactType
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


def fact_table(schema: str) -> str:
    """The facts of a schema as a Markdown table, in the order of the schema."""
    rows = [
        "| fact | type | provenance | source | meaning | example |",
        "|---|---|---|---|---|---|",
        *(_row(fact) for fact in SCHEMAS[schema].values()),
    ]
    return "\n".join(rows)


def _row(fact: FactType) -> str:
    return (
        f"| `{fact.name}` | {kind_words(fact)} | {fact.provenance} | {fact.source}"
        f" | {meaning(fact)} | `{show(fact.example)}` |"
    )
