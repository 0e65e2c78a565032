"""What one policy says to one set of facts. Pure.

Unknown counts as true for `require`, `limit` and risk, as false for `approve`, and blocks for
`deny`, so knowing less never loosens. The one exception is written by the author: `on_unavailable`
asks people in place of a deny whose facts are not to be had.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.language.conditions import Answer, Condition, Truth
from policies.language.document import (
    DEFAULT_RULE,
    PinnedPolicy,
    PolicyDocument,
    RiskLevel,
    Rule,
)
from policies.language.explain import advice, explain_default, explain_rule, rule_result
from policies.language.facts import Facts, Unknown, UnknownKind
from policies.language.verdict import Denial, Note, Obligation, RuleResult

Answers = dict[Rule, Answer]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer of one policy. Facts behind `open` could still change it once they come."""

    pinned: PinnedPolicy
    denials: tuple[Denial, ...]
    blocks: tuple[Answer, ...]
    hard_block: bool
    obligations: tuple[Obligation, ...]
    undecided: tuple[Answer, ...]
    open: tuple[Answer, ...]
    explanation: tuple[RuleResult, ...]
    notes: tuple[Note, ...]
    limits: tuple[int, int]
    risk: RiskLevel
    step_up: int


def judge_policy(pinned: PinnedPolicy, facts: Facts, *, explained: bool = True) -> Judgement:
    """The answer of this policy, whether or not it matches the target."""
    document = pinned.document
    named, answers = answers_to(document, document.rules, facts)
    binding = {rule: answer for rule, answer in answers.items() if rule.binding}
    # A claim must not make a rule certain and so take the default away: only what the attested
    # facts alone make true displaces it.
    certain = {r: a for r, a in binding.items() if r.requirement and a.truth is Truth.TRUE}
    if certain and document.reads_claims:
        certain = answers_to(document, certain, facts.attested())[1]
    by_default = _default_applies(binding, certain)
    undecided = {r: a for r, a in binding.items() if a.truth is Truth.UNKNOWN}
    denying = {r: a for r, a in undecided.items() if r.effect == "deny"}
    instead = {r: _instead(document, r, a, facts) for r, a in denying.items()}
    blocking = [rule for rule in denying if not instead[rule]]
    explanation = [
        explain_rule(pinned, rule, answer, named, facts, instead.get(rule, ()))
        if explained
        else rule_result(pinned, rule, answer)
        for rule, answer in answers.items()
    ]
    explanation.append(explain_default(pinned, document.default, applies=by_default))
    return Judgement(
        pinned=pinned,
        denials=_denials(document, binding, facts),
        blocks=tuple(denying[rule] for rule in blocking),
        hard_block=any(rule.level == "hard" for rule in blocking),
        obligations=(
            *_obligations(document, binding, by_default),
            *(asked for found in instead.values() for asked in found),
        ),
        undecided=tuple(undecided.values()),
        open=(*_still_open(binding, facts), *certain.values()),
        explanation=tuple(explanation),
        notes=_notes(document, answers, facts),
        limits=_limits(document, binding),
        risk=_risk(document, named, facts),
        step_up=_step_up(document, named, facts),
    )


def answers_to(
    document: PolicyDocument, rules: Iterable[Rule], facts: Facts
) -> tuple[dict[str, Answer], Answers]:
    """The answers of the definitions, and of `rules` in the order of their ids."""
    named: dict[str, Answer] = {}
    for definition in document.definitions:
        named[definition.name] = definition.condition.evaluate(facts, named)
    ordered = sorted(rules, key=lambda rule: rule.id)
    return named, {rule: rule.when.evaluate(facts, named) for rule in ordered}


def _default_applies(answers: Answers, certain: Answers) -> bool:
    """Unless a `require` certainly applies, or an `approve` does and nobody is asked."""
    if any(answer.truth is Truth.TRUE for answer in certain.values()):
        return False
    asked = any(r.requirement and a.truth is not Truth.FALSE for r, a in answers.items())
    approved = any(r.effect == "approve" and a.truth is Truth.TRUE for r, a in answers.items())
    return asked or not approved


def _denials(document: PolicyDocument, answers: Answers, facts: Facts) -> tuple[Denial, ...]:
    return tuple(
        Denial(document.policy, rule.id, rule.sentence.fill(facts), rule.level)
        for rule, answer in answers.items()
        if rule.effect == "deny" and rule.sentence and answer.truth is Truth.TRUE
    )


def _notes(document: PolicyDocument, answers: Answers, facts: Facts) -> tuple[Note, ...]:
    return tuple(
        Note(document.policy, rule.id, advice(rule, facts))
        for rule, answer in answers.items()
        if not rule.binding and answer.truth is Truth.TRUE
    )


def _obligations(
    document: PolicyDocument, answers: Answers, by_default: bool
) -> Iterable[Obligation]:
    for rule, answer in answers.items():
        if rule.requirement and answer.truth is not Truth.FALSE:
            yield Obligation(document.policy, rule.id, rule.requirement, rule.level)
    if by_default:
        yield Obligation(document.policy, DEFAULT_RULE, document.default)


def _instead(
    document: PolicyDocument, rule: Rule, answer: Answer, facts: Facts
) -> tuple[Obligation, ...]:
    """Who is asked in place of a deny that cannot be told: only if the policy says so for each fact
    behind it, and the source of each has failed. An absent fact may be the caller's choice."""
    wanted = dict(document.on_unavailable)
    if not answer.missing or not answer.missing <= wanted.keys() & _unknown_as(
        "unavailable", answer, facts
    ):
        return ()
    asked = {wanted[name] for name in answer.missing}
    return tuple(Obligation(document.policy, rule.id, one, rule.level) for one in sorted(asked))


def _limits(document: PolicyDocument, answers: Answers) -> tuple[int, int]:
    """Time to decide and time to use: a limit that applies, or cannot be told, only shortens."""
    found = [r.limit for r, a in answers.items() if r.limit and a.truth is not Truth.FALSE]
    decide = [one.decide_within for one in found if one.decide_within is not None]
    valid = [one.valid_for for one in found if one.valid_for is not None]
    return min([document.decide_within, *decide]), min([document.valid_for, *valid])


def _risk(document: PolicyDocument, named: Mapping[str, Answer], facts: Facts) -> RiskLevel:
    def perhaps(condition: Condition | None) -> bool:
        return condition is not None and condition.evaluate(facts, named).truth is not Truth.FALSE

    risk = document.risk
    if perhaps(risk.high):
        return "high"
    if perhaps(risk.medium):
        return "medium"
    return "low" if risk.conditions else ""


def _step_up(document: PolicyDocument, named: Mapping[str, Answer], facts: Facts) -> int:
    wanted = document.step_up
    if wanted is None or wanted.when.evaluate(facts, named).truth is Truth.FALSE:
        return 0
    return wanted.max_age


def _still_open(answers: Answers, facts: Facts) -> tuple[Answer, ...]:
    """The undecided answers that facts being fetched could turn into another verdict."""
    waiting = {r: a for r, a in answers.items() if r.effect != "limit" and pending_behind(a, facts)}
    # Once people are certainly asked, an approve rule can no longer change anything.
    asked = any(
        rule.effect == "require" and answer.truth is not Truth.FALSE and rule not in waiting
        for rule, answer in answers.items()
    )
    return tuple(a for r, a in waiting.items() if r.effect != "approve" or not asked)


def pending_behind(answer: Answer, facts: Facts) -> frozenset[str]:
    """The facts behind an undecided answer that are still being fetched."""
    return _unknown_as("pending", answer, facts)


def _unknown_as(kind: UnknownKind, answer: Answer, facts: Facts) -> frozenset[str]:
    states = {name: facts.state(name) for name in answer.missing}
    return frozenset(
        name for name, state in states.items() if isinstance(state, Unknown) and state.kind == kind
    )
