"""What policies say about one set of facts: the outcome, what it asks for, and why."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Literal

from policies.language.conditions import Truth
from policies.language.facts import FactState, Known, value_to_json
from portal.kernel.canonical import JSON

#: Longer lists are cut in the explanation; the snapshot has them whole.
MAX_ITEMS = 20

Result = Literal["applies", "does_not", "cannot_tell"]

RESULTS: dict[Truth, Result] = {
    Truth.TRUE: "applies",
    Truth.FALSE: "does_not",
    Truth.UNKNOWN: "cannot_tell",
}


class Outcome(StrEnum):
    """`blocked` waits for a fact; like `deny` it lets nothing through and asks nobody."""

    ALLOW = "allow"
    REVIEW = "review"
    BLOCKED = "blocked"
    DENY = "deny"


@dataclass(frozen=True, order=True, slots=True)
class Obligation:
    """`count` distinct people from `groups`, asked by a rule (or by `default`)."""

    policy: str
    rule: str
    count: int
    groups: tuple[str, ...]

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return _plain(self) | {"groups": list(self.groups)}


@dataclass(frozen=True, order=True, slots=True)
class Denial:
    """A rule that certainly denies; `policy` and `rule` are empty when no policy matches."""

    policy: str
    rule: str
    sentence: str

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return _plain(self)


@dataclass(frozen=True, order=True, slots=True)
class PolicyRef:
    """A policy version that took part."""

    policy: str
    version: int
    digest: str

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return _plain(self)


@dataclass(frozen=True, slots=True)
class FactShown:
    """A fact behind an answer."""

    name: str
    state: FactState

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form; a long list is cut and `total` is its length."""
        form: dict[str, JSON] = {"name": self.name, **self.state.to_json()}
        if isinstance(self.state, Known) and isinstance(self.state.value, tuple):
            form["value"] = value_to_json(self.state.value[:MAX_ITEMS])
            form["total"] = len(self.state.value)
        return form


@dataclass(frozen=True, slots=True)
class NamedResult:
    """A definition that a rule uses, itself or through another, and what is behind its answer."""

    name: str
    condition: str
    truth: Truth
    error: str
    names: tuple[str, ...]
    facts: tuple[FactShown, ...]

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return {
            "name": self.name,
            "condition": self.condition,
            "truth": self.truth.value,
            "error": self.error,
            "names": list(self.names),
            "facts": [fact.to_json() for fact in self.facts],
        }


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule of one policy: whether it applies, in one sentence, and what is behind it.

    `named` are the definitions it rests on, each once, in the order of the document; `facts` are
    those that its own condition reads.
    """

    policy: str
    version: int
    rule: str
    effect: Literal["deny", "require", "approve", "default"]
    result: Result
    sentence: str
    condition: str
    error: str
    named: tuple[NamedResult, ...]
    facts: tuple[FactShown, ...]

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return _plain(self) | {
            "named": [one.to_json() for one in self.named],
            "facts": [fact.to_json() for fact in self.facts],
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The joined answer of all matching policies.

    `blocking` names the facts that a deny waits for, `unknown` every fact that an undecided rule
    misses, `pending_facts` those still being fetched that could change outcome or obligations.
    `decide_within` and `valid_for` are seconds, 0 when no policy matches.
    """

    outcome: Outcome
    obligations: tuple[Obligation, ...]
    denials: tuple[Denial, ...]
    explanation: tuple[RuleResult, ...]
    blocking: tuple[str, ...]
    unknown: tuple[str, ...]
    pending_facts: frozenset[str]
    decide_within: int
    valid_for: int
    hold: tuple[str, ...]
    reads: tuple[str, ...]
    policies: tuple[PolicyRef, ...]
    schema: str

    @property
    def waiting_on_pending(self) -> bool:
        """Whether a fact still being fetched could change outcome or obligations."""
        return bool(self.pending_facts)

    @property
    def settled(self) -> bool:
        """Whether the facts at hand settle it: nothing being fetched can change it."""
        return not self.pending_facts

    def sentences(self) -> tuple[str, ...]:
        """What people read first: denials, then what cannot be told, then what applies."""
        certain = [denial.sentence for denial in self.denials]
        waits = [one.sentence for one in self.explanation if one.result == "cannot_tell"]
        applies = [
            one.sentence
            for one in self.explanation
            if one.result == "applies" and one.effect != "deny"
        ]
        return tuple(dict.fromkeys([*certain, *waits, *applies]))

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form: the same policies and facts give identical bytes."""
        return {
            "outcome": self.outcome.value,
            "obligations": _all(self.obligations),
            "denials": _all(self.denials),
            "explanation": _all(self.explanation),
            "blocking": list(self.blocking),
            "unknown": list(self.unknown),
            "pending_facts": [*sorted(self.pending_facts)],
            "waiting_on_pending": self.waiting_on_pending,
            "settled": self.settled,
            "decide_within": self.decide_within,
            "valid_for": self.valid_for,
            "hold": list(self.hold),
            "reads": list(self.reads),
            "policies": _all(self.policies),
            "schema": self.schema,
        }


def at_least_as_strict(verdict: Verdict, other: Verdict) -> bool:
    """The order of strictness: allow, then review with more obligations, then blocked and deny.

    Blocked and deny are equally strict, because neither lets anything through; two reviews compare
    only when the obligations of one contain those of the other.
    """
    rank, other_rank = _RANK[verdict.outcome], _RANK[other.outcome]
    if rank == other_rank == _RANK[Outcome.REVIEW]:
        return set(verdict.obligations) >= set(other.obligations)
    return rank >= other_rank


_RANK = {Outcome.ALLOW: 0, Outcome.REVIEW: 1, Outcome.BLOCKED: 2, Outcome.DENY: 2}

_Part = Obligation | Denial | PolicyRef | RuleResult


def _all(parts: Iterable[_Part]) -> list[JSON]:
    return [part.to_json() for part in parts]


def _plain(part: _Part) -> dict[str, JSON]:
    return {field.name: getattr(part, field.name) for field in fields(part)}
