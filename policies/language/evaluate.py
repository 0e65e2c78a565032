"""Judging: matching policies and facts in, one verdict out. Pure, and blind to order.

Each policy answers for itself; the answers are joined and the strictest wins. Unknown counts as
true for `require`, as false for `approve`, and blocks for `deny`, so knowing less never loosens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policies.language.conditions import Answer, Truth
from policies.language.document import (
    DEFAULT_RULE,
    PinnedPolicy,
    PolicyDocument,
    Rule,
    matches,
)
from policies.language.explain import explain_default, explain_rule, obligation
from policies.language.facts import Facts, FactState, Known, Unknown
from policies.language.verdict import (
    Denial,
    Obligation,
    Outcome,
    PolicyRef,
    RuleResult,
    Verdict,
)

__all__ = ["PinnedPolicy", "evaluate"]

TARGET = ("request.project", "request.environment", "request.action")

NO_POLICY = "No policy is in force for this project, environment and action, so it is denied."
NO_TARGET = (
    "Project, environment and action are not all known, so no policy can be chosen"
    " and it is denied."
)


def evaluate(policies: Sequence[PinnedPolicy], facts: Facts) -> Verdict:
    """The verdict of those of `policies` that match the target of the request in `facts`.

    The same policies and facts give the same verdict, byte for byte, in any order.
    """
    target = [_text(facts.state(name)) for name in TARGET]
    project, environment, action = target
    if project is None or environment is None or action is None:
        return _denied(NO_TARGET, facts)
    fitting = {
        (pinned.document.policy, pinned.version, pinned.digest): pinned
        for pinned in policies
        if matches(pinned.document, project, environment, action)
    }
    if not fitting:
        return _denied(NO_POLICY, facts)
    return _join([_judge(fitting[key], facts) for key in sorted(fitting)], facts)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What one policy says. Facts behind `open` could still change it once they come."""

    pinned: PinnedPolicy
    denials: tuple[Denial, ...]
    blocks: tuple[Answer, ...]
    obligations: tuple[Obligation, ...]
    undecided: tuple[Answer, ...]
    open: tuple[Answer, ...]
    explanation: tuple[RuleResult, ...]


def _judge(pinned: PinnedPolicy, facts: Facts) -> _Judgement:
    document = pinned.document
    named, answers = _answers(document, document.rules, facts)
    # A claim must not make a rule certain and so take the default away: only what the attested
    # facts alone make true displaces it.
    certain = {r: a for r, a in answers.items() if r.requirement and a.truth is Truth.TRUE}
    if certain and document.reads_claims:
        _, certain = _answers(document, certain, facts.attested())
    by_default = _default_applies(answers, certain)
    explanation = [
        explain_rule(document, pinned.version, rule, answer, named, facts)
        for rule, answer in answers.items()
    ]
    explanation.append(
        explain_default(document, pinned.version, document.default, applies=by_default)
    )
    undecided = {r: a for r, a in answers.items() if a.truth is Truth.UNKNOWN}
    return _Judgement(
        pinned=pinned,
        denials=_denials(document, answers, facts),
        blocks=tuple(a for r, a in undecided.items() if r.effect == "deny"),
        obligations=tuple(_obligations(document, answers, by_default)),
        undecided=tuple(undecided.values()),
        open=(*_still_open(answers, facts), *certain.values()),
        explanation=tuple(explanation),
    )


def _answers(
    document: PolicyDocument, rules: Iterable[Rule], facts: Facts
) -> tuple[dict[str, Answer], dict[Rule, Answer]]:
    """The answers of the definitions, and of `rules` by id."""
    named: dict[str, Answer] = {}
    for definition in document.definitions:
        named[definition.name] = definition.condition.evaluate(facts, named)
    ordered = sorted(rules, key=lambda rule: rule.id)
    return named, {rule: rule.when.evaluate(facts, named) for rule in ordered}


def _default_applies(answers: dict[Rule, Answer], certain: dict[Rule, Answer]) -> bool:
    """Unless a `require` certainly applies, or an `approve` does and nobody is asked."""
    if any(answer.truth is Truth.TRUE for answer in certain.values()):
        return False
    asked = any(r.requirement and a.truth is not Truth.FALSE for r, a in answers.items())
    approved = any(r.effect == "approve" and a.truth is Truth.TRUE for r, a in answers.items())
    return asked or not approved


def _denials(
    document: PolicyDocument, answers: dict[Rule, Answer], facts: Facts
) -> tuple[Denial, ...]:
    return tuple(
        Denial(document.policy, rule.id, rule.denial.fill(facts))
        for rule, answer in answers.items()
        if rule.denial and answer.truth is Truth.TRUE
    )


def _obligations(
    document: PolicyDocument, answers: dict[Rule, Answer], by_default: bool
) -> Iterable[Obligation]:
    for rule, answer in answers.items():
        if rule.requirement and answer.truth is not Truth.FALSE:
            yield obligation(document, rule.id, rule.requirement)
    if by_default:
        yield obligation(document, DEFAULT_RULE, document.default)


def _still_open(answers: dict[Rule, Answer], facts: Facts) -> tuple[Answer, ...]:
    """The undecided answers that facts being fetched could turn into another verdict."""
    waiting = {r: a for r, a in answers.items() if _pending(a, facts)}
    # Once people are certainly asked, an approve rule can no longer change anything.
    asked = any(
        rule.effect == "require" and answer.truth is not Truth.FALSE and rule not in waiting
        for rule, answer in answers.items()
    )
    return tuple(a for r, a in waiting.items() if r.effect != "approve" or not asked)


def _pending(answer: Answer, facts: Facts) -> frozenset[str]:
    states = {name: facts.state(name) for name in answer.missing}
    return frozenset(
        name
        for name, state in states.items()
        if isinstance(state, Unknown) and state.kind == "pending"
    )


def _join(judged: Sequence[_Judgement], facts: Facts) -> Verdict:
    documents = [one.pinned.document for one in judged]
    denials = sorted({denial for one in judged for denial in one.denials})
    obligations = sorted({asked for one in judged for asked in one.obligations})
    blocks = [answer for one in judged for answer in one.blocks]
    missing = _missing(answer for one in judged for answer in one.undecided)
    still_open = [answer for one in judged for answer in one.open]
    pending = frozenset().union(*(_pending(answer, facts) for answer in still_open))
    return Verdict(
        outcome=_outcome(denials, blocks, obligations),
        obligations=tuple(obligations),
        denials=tuple(denials),
        explanation=tuple(result for one in judged for result in one.explanation),
        blocking=_missing(blocks),
        unknown=missing,
        # A certain deny stays one whatever comes.
        pending_facts=frozenset() if denials else pending,
        decide_within=min(document.decide_within for document in documents),
        valid_for=min(document.valid_for for document in documents),
        hold=tuple(sorted({name for document in documents for name in document.hold})),
        reads=tuple(sorted({name for document in documents for name in document.reads})),
        policies=tuple(
            PolicyRef(one.pinned.document.policy, one.pinned.version, one.pinned.digest)
            for one in judged
        ),
        schema=facts.schema,
    )


def _outcome(
    denials: Sequence[Denial], blocks: Sequence[Answer], obligations: Sequence[Obligation]
) -> Outcome:
    if denials:
        return Outcome.DENY
    if blocks:
        return Outcome.BLOCKED
    return Outcome.REVIEW if obligations else Outcome.ALLOW


def _missing(answers: Iterable[Answer]) -> tuple[str, ...]:
    return tuple(sorted({name for answer in answers for name in answer.missing}))


def _denied(sentence: str, facts: Facts) -> Verdict:
    return Verdict(
        outcome=Outcome.DENY,
        obligations=(),
        denials=(Denial("", "", sentence),),
        explanation=(),
        blocking=(),
        unknown=(),
        pending_facts=frozenset(),
        decide_within=0,
        valid_for=0,
        hold=(),
        reads=(),
        policies=(),
        schema=facts.schema,
    )


def _text(state: FactState) -> str | None:
    return state.value if isinstance(state, Known) and isinstance(state.value, str) else None
