"""What policies say about one set of facts: the outcome, what it asks for, and why."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Literal

from policies.language.conditions import Truth
from policies.language.document import (
    RISKS,
    Effect,
    Escalation,
    Level,
    OnDrift,
    Requirement,
    RiskLevel,
    Supersede,
)
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
    """People asked by a rule (or by `default`): the parts of `Requirement`, and who may lift it."""

    policy: str
    rule: str
    asked: Requirement
    level: Level = "hard"

    def covers(self, other: "Obligation") -> bool:
        """Whether meeting this one meets `other` too: the same, for at least as many people."""
        same = replace(self, asked=replace(self.asked, count=other.asked.count)) == other
        return same and self.asked.count >= other.asked.count

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        asked = self.asked
        return {
            "policy": self.policy,
            "rule": self.rule,
            "level": self.level,
            "count": asked.count,
            "groups": list(asked.groups),
            "including": dict(asked.including),
            "sequence": list(asked.sequence),
            "distinct_across": list(asked.distinct_across),
            "self_approval": asked.self_approval,
        }


@dataclass(frozen=True, slots=True)
class Extra:
    """How many approvals each rule asks besides its own, and why."""

    approvals: int
    sentence: str

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return {"approvals": self.approvals, "sentence": self.sentence}


@dataclass(frozen=True, order=True, slots=True)
class Denial:
    """A rule that certainly denies; `policy` and `rule` are empty when no policy matches."""

    policy: str
    rule: str
    sentence: str
    level: Level = "hard"

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return _plain(self)


@dataclass(frozen=True, order=True, slots=True)
class Note:
    """What an advisory rule says: shown to people, changes nothing."""

    policy: str
    rule: str
    sentence: str

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return _plain(self)


@dataclass(frozen=True, order=True, slots=True)
class Glass:
    """How one policy lets an emergency lift its soft rules; times in seconds."""

    policy: str
    by: tuple[str, ...]
    reason_min: int
    valid_for: int
    notify: tuple[str, ...]
    review_within: int

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return _plain(self) | {"by": list(self.by), "notify": list(self.notify)}


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

    `remedy` says what would make it pass, and is empty where the rule is in nobody's way.

    `named` are the definitions it rests on, each once, in the order of the document; `facts` are
    those that its own condition reads.
    """

    policy: str
    version: int
    rule: str
    effect: Effect | Literal["default"]
    level: Level
    result: Result
    sentence: str
    remedy: str
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
class Shadow:
    """What a policy in shadow would have said; it binds nobody."""

    policy: PolicyRef
    outcome: Outcome
    obligations: tuple[Obligation, ...]
    denials: tuple[Denial, ...]

    def to_json(self) -> dict[str, JSON]:
        """Canonical-JSON-safe form."""
        return {
            **self.policy.to_json(),
            "outcome": self.outcome.value,
            "obligations": _all(self.obligations),
            "denials": _all(self.denials),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The joined answer of all matching policies.

    `blocking` names the facts that a deny waits for, `unknown` every fact that an undecided rule
    misses, `pending_facts` those still being fetched that could change outcome or obligations.
    Times are seconds: `decide_within` and `valid_for` 0 when no policy matches, `step_up` the
    greatest age of the sign-in of who decides, 0 when none is asked for. `tolerate` says how far a
    held number may move. `glass` is empty unless soft rules alone stand in the way. `extra` is
    counted in `obligations` already.
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
    notes: tuple[Note, ...] = ()
    risk: RiskLevel = ""
    tolerate: tuple[tuple[str, float], ...] = ()
    on_drift: OnDrift = "requeue"
    supersede: Supersede = "none"
    step_up: int = 0
    glass: tuple[Glass, ...] = ()
    escalate: tuple[Escalation, ...] = ()
    shadow: tuple[Shadow, ...] = ()
    extra: Extra | None = None

    @property
    def self_approval(self) -> bool:
        """Whether who touched the change may decide: only if everybody who asks allows it."""
        return bool(self.obligations) and all(o.asked.self_approval for o in self.obligations)

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
            "notes": _all(self.notes),
            "risk": self.risk,
            "tolerate": {name: value_to_json(by) for name, by in self.tolerate},
            "on_drift": self.on_drift,
            "supersede": self.supersede,
            "step_up": self.step_up,
            "break_glass": _all(self.glass),
            "escalate": [
                {"after": step.after, "notify": list(step.notify), "add": list(step.add)}
                for step in self.escalate
            ],
            "shadow": _all(self.shadow),
            **({"extra": self.extra.to_json()} if self.extra else {}),
        }


def at_least_as_strict(verdict: Verdict, other: Verdict) -> bool:
    """The order of strictness: allow, then review with more obligations, then blocked and deny.

    Blocked and deny are equally strict, because neither lets anything through; two reviews compare
    only when the obligations of one cover those of the other. What is let through must be valid
    no longer, be no less risky, and ask for no older sign-in.
    """
    rank, other_rank = _RANK[verdict.outcome], _RANK[other.outcome]
    if rank == _RANK[Outcome.DENY] or rank < other_rank:
        return rank >= other_rank
    sign_ins = [age or float("inf") for age in (verdict.step_up, other.step_up)]
    return (
        (rank > other_rank or all(_covered(asked, verdict) for asked in other.obligations))
        and verdict.valid_for <= other.valid_for
        and RISKS.index(verdict.risk) >= RISKS.index(other.risk)
        and sign_ins[0] <= sign_ins[1]
    )


def _covered(asked: Obligation, by: Verdict) -> bool:
    return any(one.covers(asked) for one in by.obligations)


_RANK = {Outcome.ALLOW: 0, Outcome.REVIEW: 1, Outcome.BLOCKED: 2, Outcome.DENY: 2}

_Part = Obligation | Denial | Note | Glass | PolicyRef | RuleResult | Shadow


def _all(parts: Iterable[_Part]) -> list[JSON]:
    return [part.to_json() for part in parts]


def _plain(part: Denial | Note | Glass | PolicyRef | RuleResult) -> dict[str, JSON]:
    return {field.name: getattr(part, field.name) for field in fields(part)}
