"""The fact table of the reference, made from the schema so that the two cannot differ."""

from policies.language.schema import SCHEMAS, FactType

_KINDS = {"list": "list of texts", "string": "text"}


def fact_table(schema: str) -> str:
    """The facts of a schema as a Markdown table, in the order of the schema."""
    rows = [
        "| fact | type | provenance | source | meaning |",
        "|---|---|---|---|---|",
        *(_row(fact) for fact in SCHEMAS[schema].values()),
    ]
    return "\n".join(rows)


def _row(fact: FactType) -> str:
    kind = _KINDS.get(fact.kind, fact.kind)
    if fact.enumeration:
        kind = "one of " + ", ".join(fact.enumeration)
    meaning = f"{fact.description[:-1]} ({fact.unit})." if fact.unit else fact.description
    return f"| `{fact.name}` | {kind} | {fact.provenance} | {fact.source} | {meaning} |"
