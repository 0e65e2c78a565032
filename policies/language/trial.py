"""Trying one document on facts that somebody chose, as if it were in force alone."""

from dataclasses import replace

from policies.language.document import PinnedPolicy, PolicyDocument, matches
from policies.language.evaluate import TARGET, evaluate
from policies.language.facts import Facts, Known, Value, check_value, read_plain, value_to_json
from policies.language.schema import SCHEMAS, FactType
from policies.language.verdict import Verdict

_DRAFT = "sha256:" + "0" * 64


def facts_to_try(document: PolicyDocument) -> tuple[FactType, ...]:
    """The facts that the document reads, and the target, in the order of the schema."""
    return SCHEMAS[document.facts].only(document.reads.union(TARGET))


def judge_alone(document: PolicyDocument, facts: Facts, version: int = 0) -> Verdict:
    """The verdict of this document alone; in shadow or off it is what it would say."""
    return evaluate([PinnedPolicy(replace(document, mode="enforce"), version, _DRAFT)], facts)


def is_for(document: PolicyDocument, facts: Facts) -> bool:
    """Whether the target in `facts` is one that the document matches; yes where it is unknown."""
    found = [facts.state(name) for name in TARGET]
    known = [str(state.value) for state in found if isinstance(state, Known)]
    return len(known) < len(TARGET) or matches(document, *known)


def read_typed(fact: FactType, text: str) -> Value:
    """The value of a fact as a form has it: a list has an item a line. Raises FactValueError."""
    if fact.kind == "list":
        return check_value(fact, text.split("\n") if text else [])
    return read_plain(fact, text)


def write_typed(value: Value) -> str:
    """The text that `read_typed` reads back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "\n".join(value) if isinstance(value, tuple) else str(value_to_json(value))
