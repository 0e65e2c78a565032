"""Facts and policies for the tests of the language, written short."""

from collections.abc import Mapping
from datetime import UTC, datetime
from textwrap import dedent

from policies.language.document import PinnedPolicy, PolicyDocument
from policies.language.evaluate import evaluate
from policies.language.facts import SCHEMAS, Facts, FactState, Known, Unknown
from policies.language.parse import parse_policy
from policies.language.problems import PolicyError, Problem
from policies.language.verdict import Verdict

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TARGET = {
    "request.project": "shop",
    "request.environment": "production",
    "request.tier": "production",
    "request.action": "deploy",
}
HEAD = """\
policy: {name}
facts: v1
match: {{projects: ['**'], environments: ['**'], actions: ['**']}}
default: {{require: {{count: 1, from: [anyone]}}}}
"""
PENDING = Unknown("being fetched", "pending")
GONE = Unknown("the source failed", "unavailable")


def state(name: str, value: object) -> FactState:
    """The value as a known fact of the schema; unknown states pass."""
    if isinstance(value, Unknown):
        return value
    declared = SCHEMAS["v1"][name]
    return Known(value, declared.group, NOW, declared.provenance)


def facts(values: Mapping[str, object] | None = None, *, target: bool = True) -> Facts:
    """Facts of a request to shop's production, with `values` put over them."""
    merged = {**(TARGET if target else {}), **(values or {})}
    return Facts({name: state(name, value) for name, value in merged.items()})


def document(body: str = "", name: str = "shop") -> PolicyDocument:
    """A policy for everything, asking anyone by default, with `body` added."""
    return parse_policy(HEAD.format(name=name) + dedent(body))


def pinned(body: str = "", name: str = "shop", version: int = 1) -> PinnedPolicy:
    """The same, pinned."""
    return PinnedPolicy(document(body, name), version, "sha256:" + "0" * 64)


def judge(body: str, values: Mapping[str, object] | None = None) -> Verdict:
    """The verdict of one policy for these facts."""
    return evaluate([pinned(body)], facts(values))


def problems(text: str) -> tuple[Problem, ...]:
    """The problems of a document, which must have some."""
    try:
        parse_policy(text)
    except PolicyError as error:
        return error.problems
    raise AssertionError("the document was accepted")


def problems_of(body: str) -> tuple[Problem, ...]:
    """The problems of a document that is right but for `body`."""
    return problems(HEAD.format(name="shop") + dedent(body))


def one_rule(when: str, effect: str = "deny: No.") -> str:
    """A document body with one rule; `when` may hold quotes but no line breaks."""
    return f"rules:\n  - id: one\n    when: |\n      {when}\n    {effect}\n"
