"""Replaying stored requests under a policy version that is not in force. Pure.

The old verdict is what was said then. The new one is what the versions of then say, with the
proposed version in place of every version of the same policy, on the facts known then. A fact that
nobody had read then is unknown now: it is counted, and it never loosens.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from policies.language.document import PinnedPolicy, PolicyDocument, matches
from policies.language.evaluate import TARGET, evaluate
from policies.language.facts import Facts, FactState, Known, Unknown
from policies.language.judge import judge_policy
from policies.language.unknown_authors import UNKNOWN_AUTHORS
from policies.language.verdict import Outcome, RuleResult
from portal.kernel.canonical import JSON

Shift = Literal["", "fewer", "more", "other"]

NOT_READ_THEN = Unknown("nobody had read it then", "absent")

_STRICTNESS = {Outcome.ALLOW: 0, Outcome.REVIEW: 1, Outcome.BLOCKED: 2, Outcome.DENY: 3}
_WHO_ASKS = ("policy", "rule", "level")


@dataclass(frozen=True, slots=True)
class Stored:
    """A request with its verdict of the first round and the snapshot of that verdict, as stored.

    `policies` are name and digest of each version that took part, `obligations` and `facts` the
    JSON of verdict and snapshot.
    """

    project: str
    environment: str
    action: str
    outcome: str
    policies: tuple[tuple[str, str], ...]
    obligations: Sequence[Mapping[str, Any]]
    facts: Mapping[str, object]


@dataclass(frozen=True, order=True, slots=True)
class Change:
    """From one outcome to another; `shift` says whether a review asks fewer or more people, or
    others of the same number."""

    old: str
    new: str
    shift: Shift = ""

    def __str__(self) -> str:
        return "-".join(part for part in (self.old, self.new, self.shift) if part)

    @classmethod
    def read(cls, text: str) -> "Change":
        """From its text. Raises ValueError."""
        match text.split("-"):
            case [old, new]:
                return cls(Outcome(old), Outcome(new))
            case [old, new, ("fewer" | "more" | "other") as shift]:
                return cls(Outcome(old), Outcome(new), shift)
        raise ValueError(f"not a change: {text!r}")

    @property
    def differs(self) -> bool:
        return self.old != self.new or bool(self.shift)

    @property
    def loosens(self) -> bool:
        """Whether it lets more through, or asks fewer people."""
        difference = _STRICTNESS[Outcome(self.new)] - _STRICTNESS[Outcome(self.old)]
        return difference < 0 or self.shift == "fewer"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one request. `people` are those asked, then and now.

    `missing`: facts that the proposed version reads and that were not known then; `unsure`: the
    new verdict rests on one of them. `rules` are those of the proposed version.
    """

    change: Change
    people: tuple[int, int]
    missing: tuple[str, ...]
    unsure: bool
    rules: tuple[RuleResult, ...]


def touches(proposed: PinnedPolicy, stored: Stored) -> bool:
    """Whether the proposed version matches the target, or a version of its policy took part."""
    name = proposed.document.policy
    return any(one == name for one, _ in stored.policies) or _fits(proposed.document, stored)


def _fits(document: PolicyDocument, stored: Stored) -> bool:
    return matches(document, stored.project, stored.environment, stored.action)


def replay(proposed: PinnedPolicy, others: Sequence[PinnedPolicy], stored: Stored) -> Replayed:
    """Judge again. `others` are the versions that took part then, without those replaced.

    Raises FactValueError where the snapshot cannot be read any more.
    """
    document = proposed.document
    facts = _facts_then([proposed, *others], stored.facts)
    verdict = evaluate([*others, proposed], facts, explained=False)
    missing = sorted(n for n in document.reads if not isinstance(facts.state(n), Known))
    then = _asked(stored.obligations) if stored.outcome == Outcome.REVIEW else []
    asked = [one.to_json() for one in verdict.obligations]
    now = _asked(asked) if verdict.outcome is Outcome.REVIEW else []
    people = sum(one["count"] for one in then), sum(one["count"] for one in now)
    return Replayed(
        change=Change(stored.outcome, verdict.outcome.value, _shift(then, now)),
        people=people,
        missing=tuple(missing),
        unsure=not set(verdict.unknown).isdisjoint(missing),
        rules=tuple(_rules(proposed, stored, verdict.explanation, facts)),
    )


def _facts_then(policies: Iterable[PinnedPolicy], data: Mapping[str, object]) -> Facts:
    """Only what counts: the rest of a snapshot is the larger part of it."""
    wanted = frozenset(TARGET).union(*(pinned.document.reads for pinned in policies))
    counted = (wanted | {UNKNOWN_AUTHORS}) & data.keys()
    known = Facts.from_json({name: data[name] for name in counted})
    unread: dict[str, FactState] = {
        name: NOT_READ_THEN
        for name in wanted
        if isinstance(state := known.state(name), Unknown) and state.kind == "pending"
    }
    return known.replaced(unread) if unread else known


def _asked(obligations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Who is asked, whichever rule asks: a rule that got another name changes nothing."""
    return [{k: v for k, v in one.items() if k not in _WHO_ASKS} for one in obligations]


def _shift(then: list[dict[str, Any]], now: list[dict[str, Any]]) -> Shift:
    if not then or not now:
        return ""
    difference = sum(one["count"] for one in now) - sum(one["count"] for one in then)
    if difference:
        return "more" if difference > 0 else "fewer"
    return "" if sorted(map(_bytes, then)) == sorted(map(_bytes, now)) else "other"


def _bytes(asked: dict[str, Any]) -> bytes:
    return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)


def _rules(
    proposed: PinnedPolicy, stored: Stored, explanation: Iterable[RuleResult], facts: Facts
) -> Iterator[RuleResult]:
    document = proposed.document
    # In shadow a version is judged beside the others and stands in no explanation.
    if document.mode == "shadow" and _fits(document, stored):
        explanation = judge_policy(proposed, facts, explained=False).explanation
    return (one for one in explanation if one.policy == document.policy)


@dataclass(slots=True)
class Totals:
    """The sums over many requests; adding in any order and in any parts gives the same.

    `rules` counts for each rule of the proposed version where it applied and where it could not be
    told; `missing` counts requests for each fact.
    """

    requests: int = 0
    touched: int = 0
    unreadable: int = 0
    people_then: int = 0
    people_now: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)
    applies: Counter[str] = field(default_factory=Counter)
    cannot_tell: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    def add(self, replayed: Replayed) -> None:
        """One request that was touched."""
        change = str(replayed.change)
        self.touched += 1
        self.people_then += replayed.people[0]
        self.people_now += replayed.people[1]
        self.changes[change] += 1
        self.unsure[change] += replayed.unsure
        self.missing.update(replayed.missing)
        for rule in replayed.rules:
            if rule.result == "applies":
                self.applies[rule.rule] += 1
            elif rule.result == "cannot_tell":
                self.cannot_tell[rule.rule] += 1

    def merge(self, other: "Totals") -> None:
        """The sums of another part."""
        for name in self.__slots__:
            ours, theirs = getattr(self, name), getattr(other, name)
            if isinstance(ours, Counter):
                ours.update(theirs)
            else:
                setattr(self, name, ours + theirs)

    def to_json(self) -> dict[str, JSON]:
        """As it is stored between parts."""
        return {
            name: dict(value) if isinstance(value, Counter) else value
            for name in self.__slots__
            for value in [getattr(self, name)]
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Totals":
        """What `to_json` stored; empty for nothing stored yet."""
        values: dict[str, Any] = {
            name: Counter(value) if isinstance(value, dict) else value
            for name, value in data.items()
        }
        return cls(**values)
