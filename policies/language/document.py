"""The policy document after parsing: immutable, checked, ready to be evaluated."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from policies.language.conditions import Condition
from policies.language.globs import match_glob
from policies.language.schema import SCHEMAS
from policies.language.template import Template

Effect = Literal["deny", "require", "approve"]

DEFAULT_RULE = "default"


@dataclass(frozen=True, slots=True)
class Match:
    """Which targets a policy is for; every list holds globs."""

    projects: tuple[str, ...]
    environments: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """`count` distinct people, each from any of `groups`."""

    count: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A named condition."""

    name: str
    condition: Condition


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule; `denial` belongs to deny, `requirement` to require, approve has neither."""

    id: str
    when: Condition
    effect: Effect
    denial: Template | None = None
    requirement: Requirement | None = None


@dataclass(frozen=True, eq=False)
class PolicyDocument:
    """One policy. `decide_within` and `valid_for` are seconds."""

    policy: str
    facts: str
    match: Match
    definitions: tuple[Definition, ...]
    rules: tuple[Rule, ...]
    default: Requirement
    decide_within: int
    valid_for: int
    hold: tuple[str, ...]

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every fact that a condition or a sentence names, or that is held."""
        conditions = [rule.when for rule in self.rules]
        conditions += [definition.condition for definition in self.definitions]
        templates = [rule.denial.reads for rule in self.rules if rule.denial]
        return frozenset(self.hold).union(*(c.reads for c in conditions), *templates)

    @cached_property
    def reads_claims(self) -> bool:
        """Whether it names any claimed fact."""
        return any(SCHEMAS[self.facts][name].claimed for name in self.reads)

    @cached_property
    def groups(self) -> frozenset[str]:
        """Every approver group that the document names."""
        asked = [rule.requirement for rule in self.rules if rule.requirement]
        return frozenset(self.default.groups).union(*(one.groups for one in asked))


@dataclass(frozen=True, slots=True)
class PinnedPolicy:
    """A document with the number and digest of the version it was read from."""

    document: PolicyDocument
    version: int
    digest: str


def matches(document: PolicyDocument, project: str, environment: str, action: str) -> bool:
    """Whether the policy is for this target."""
    wanted = document.match
    return (
        _any(wanted.projects, project)
        and _any(wanted.environments, environment)
        and _any(wanted.actions, action)
    )


def needed_facts(policies: Iterable[PinnedPolicy]) -> frozenset[str]:
    """The facts to gather for these policies: what they read and what they hold."""
    return frozenset().union(*(pinned.document.reads for pinned in policies))


def _any(patterns: Iterable[str], text: str) -> bool:
    return any(match_glob(pattern, text) for pattern in patterns)
