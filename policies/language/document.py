"""The policy document after parsing: immutable, checked, ready to be evaluated."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from uuid import UUID

from policies.language.conditions import Condition
from policies.language.facts import Value
from policies.language.globs import match_glob
from policies.language.schema import SCHEMAS
from policies.language.template import Template

Effect = Literal["deny", "require", "approve", "limit", "note"]
Level = Literal["hard", "soft", "advisory"]
Mode = Literal["enforce", "shadow", "off"]
OnDrift = Literal["requeue", "deny"]
Supersede = Literal["environment", "none"]
RiskLevel = Literal["high", "medium", "low", ""]

DEFAULT_RULE = "default"
#: From the mildest to the most serious; empty where no policy speaks of risk.
RISKS: tuple[RiskLevel, ...] = ("", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Match:
    """Which targets a policy is for; every list holds globs."""

    projects: tuple[str, ...]
    environments: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True, order=True, slots=True)
class Requirement:
    """`count` distinct people, each from any of `groups`.

    `including`: how many of them must be from which group. `sequence`: groups that decide one
    after the other. `distinct_across`: rules of the same policy whose people must be others.
    `self_approval`: whether who touched the change may decide.
    """

    count: int
    groups: tuple[str, ...]
    including: tuple[tuple[str, int], ...] = ()
    sequence: tuple[str, ...] = ()
    distinct_across: tuple[str, ...] = ()
    self_approval: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """Shorter times, in seconds; None leaves one alone."""

    valid_for: int | None
    decide_within: int | None


@dataclass(frozen=True, slots=True)
class Definition:
    """A named condition."""

    name: str
    condition: Condition


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule; `sentence` belongs to deny and note, `requirement` to require, `limit` to limit.

    `level`: hard is lifted by nobody, soft by break-glass, advisory is only shown.
    """

    id: str
    when: Condition
    effect: Effect
    level: Level = "hard"
    sentence: Template | None = None
    requirement: Requirement | None = None
    limit: Limit | None = None

    @property
    def binding(self) -> bool:
        """Whether it takes part in the verdict, rather than being shown only."""
        return self.level != "advisory"


@dataclass(frozen=True, slots=True, eq=False)
class Risk:
    """When the request is tagged high or medium; what cannot be told counts as the higher."""

    high: Condition | None
    medium: Condition | None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(one for one in (self.high, self.medium) if one is not None)


@dataclass(frozen=True, slots=True, eq=False)
class StepUp:
    """Deciding needs a sign-in with second factor not older than `max_age` seconds."""

    when: Condition
    max_age: int


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may lift soft rules in an emergency, and what follows. Times in seconds.

    `reason_min` counts characters.
    """

    by: tuple[str, ...]
    reason_min: int
    valid_for: int
    notify: tuple[str, ...]
    review_within: int


@dataclass(frozen=True, order=True, slots=True)
class Escalation:
    """After so many seconds without a decision, groups to tell and groups that may decide too."""

    after: int
    notify: tuple[str, ...]
    add: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One test of the document: `given` facts (None: unknown) and what is expected of them.

    Of the expectations, None is one that was not written. `valid_for` is seconds.
    """

    name: str
    line: int
    column: int
    given: tuple[tuple[str, Value | None], ...]
    verdict: str
    because: tuple[str, ...] | None
    risk: RiskLevel | None
    valid_for: int | None


@dataclass(frozen=True, eq=False)
class PolicyDocument:
    """One policy. `decide_within` and `valid_for` are seconds.

    `tolerate`: how far a held number may move. `on_unavailable`: who is asked instead when a deny
    cannot be told because this fact is not to be had.
    """

    policy: str
    facts: str
    mode: Mode
    match: Match
    definitions: tuple[Definition, ...]
    rules: tuple[Rule, ...]
    default: Requirement
    decide_within: int
    valid_for: int
    hold: tuple[str, ...]
    risk: Risk = field(default_factory=lambda: Risk(None, None))
    tolerate: tuple[tuple[str, float], ...] = ()
    on_unavailable: tuple[tuple[str, Requirement], ...] = ()
    on_drift: OnDrift = "requeue"
    supersede: Supersede = "none"
    step_up: StepUp | None = None
    break_glass: BreakGlass | None = None
    escalate: tuple[Escalation, ...] = ()
    tests: tuple[Case, ...] = ()

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every fact that a condition or a sentence names, or that is held."""
        conditions = [rule.when for rule in self.rules]
        templates = [rule.sentence.reads for rule in self.rules if rule.sentence]
        conditions += [*self.risk.conditions, *([self.step_up.when] if self.step_up else [])]
        return frozenset(self.hold).union(self._behind(conditions), *templates)

    @cached_property
    def needs(self) -> frozenset[str]:
        """The facts that can change the verdict: without what is only shown."""
        conditions = [rule.when for rule in self.rules if rule.binding]
        conditions += [self.step_up.when] if self.step_up else []
        return frozenset(self.hold) | self._behind(conditions)

    def _behind(self, conditions: Iterable[Condition]) -> frozenset[str]:
        """The facts that conditions read, themselves or through definitions."""
        listed = list(conditions)
        names = {name for condition in listed for name in condition.names}
        for definition in reversed(self.definitions):
            if definition.name in names:
                names |= definition.condition.names
                listed.append(definition.condition)
        return frozenset().union(*(condition.reads for condition in listed))

    @cached_property
    def reads_named(self) -> frozenset[str]:
        """The facts that it reads of families: a connection has to name them."""
        families = SCHEMAS[self.facts].families
        return frozenset(name for name in self.reads if name.partition(".")[0] in families)

    @cached_property
    def reads_claims(self) -> bool:
        """Whether it names any claimed fact."""
        return any(SCHEMAS[self.facts][name].claimed for name in self.reads)

    @cached_property
    def requirements(self) -> tuple[tuple[str, Requirement], ...]:
        """All that may be asked of people, each by its rule, or by the fact that is missing."""
        asked = [(rule.id, rule.requirement) for rule in self.rules if rule.requirement]
        return (*asked, *self.on_unavailable, (DEFAULT_RULE, self.default))

    @cached_property
    def asked_groups(self) -> frozenset[str]:
        """The approver groups that a rule, or what stands in for one, lets decide."""
        return frozenset(name for _, one in self.requirements for name in one.groups)

    @cached_property
    def groups(self) -> frozenset[str]:
        """Every approver group that the document names."""
        named = [*self.asked_groups]
        if self.break_glass:
            named += [*self.break_glass.by, *self.break_glass.notify]
        named += [name for step in self.escalate for name in (*step.notify, *step.add)]
        return frozenset(named)


@dataclass(frozen=True, slots=True)
class PinnedPolicy:
    """A document with the number and digest of the version it was read from."""

    document: PolicyDocument
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class PinnedVersion(PinnedPolicy):
    """A pinned policy that knows the `id` of its stored version."""

    id: UUID


def matches(document: PolicyDocument, project: str, environment: str, action: str) -> bool:
    """Whether the policy is for this target."""
    wanted = document.match
    return (
        _any(wanted.projects, project)
        and _any(wanted.environments, environment)
        and _any(wanted.actions, action)
    )


def read_facts(policies: Iterable[PinnedPolicy]) -> frozenset[str]:
    """Every fact that these policies read; shadow ones and what is only shown too."""
    return frozenset().union(*(pinned.document.reads for pinned in policies))


def needed_facts(policies: Iterable[PinnedPolicy]) -> frozenset[str]:
    """The facts without which these policies cannot judge; shadow ones add none."""
    documents = [pinned.document for pinned in policies]
    return frozenset().union(*(one.needs for one in documents if one.mode == "enforce"))


def indispensable_facts(policies: Iterable[PinnedPolicy]) -> frozenset[str]:
    """Those of them for which some policy does not say who is asked when they are not to be had."""
    documents = [pinned.document for pinned in policies]
    return frozenset().union(
        *(
            frozenset(one.hold) | (one.needs - dict(one.on_unavailable).keys())
            for one in documents
            if one.mode == "enforce"
        )
    )


def _any(patterns: Iterable[str], text: str) -> bool:
    return any(match_glob(pattern, text) for pattern in patterns)
