"""Judging: matching policies and facts in, one verdict out. Pure, and blind to order.

Each policy answers for itself (`judge.py`); the answers are joined and the strictest wins.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from policies.language.conditions import Answer
from policies.language.document import RISKS, PinnedPolicy, PolicyDocument, matches
from policies.language.facts import Facts, FactState, Known
from policies.language.judge import Judgement, judge_policy, pending_behind
from policies.language.unknown_authors import extra_for, with_extra
from policies.language.verdict import Denial, Glass, Obligation, Outcome, PolicyRef, Shadow, Verdict

__all__ = ["PinnedPolicy", "evaluate"]

TARGET = ("request.project", "request.environment", "request.action")

NO_POLICY = "No policy is in force for this project, environment and action, so it is denied."
NO_TARGET = (
    "Project, environment and action are not all known, so no policy can be chosen"
    " and it is denied."
)

Part = TypeVar("Part")


def evaluate(policies: Sequence[PinnedPolicy], facts: Facts, *, explained: bool = True) -> Verdict:
    """The verdict of those of `policies` that match the target of the request in `facts`.

    Those in shadow are judged beside the others and bind nobody. The same policies and facts give
    the same verdict, byte for byte, in any order. Not `explained`, the explanation says of each
    rule only whether it applies: a replay of many requests needs no sentences.
    """
    target = [_text(facts.state(name)) for name in TARGET]
    project, environment, action = target
    if project is None or environment is None or action is None:
        return _denied(NO_TARGET, facts, ())
    fitting = {
        _key(pinned): pinned
        for pinned in policies
        if matches(pinned.document, project, environment, action)
    }
    judged = [judge_policy(fitting[key], facts, explained=explained) for key in sorted(fitting)]
    binding = [one for one in judged if one.pinned.document.mode == "enforce"]
    shadow = tuple(_shadow(one) for one in judged if one.pinned.document.mode == "shadow")
    return _join(binding, facts, shadow) if binding else _denied(NO_POLICY, facts, shadow)


def _key(pinned: PinnedPolicy) -> tuple[str, int, str]:
    return pinned.document.policy, pinned.version, pinned.digest


def _join(judged: Sequence[Judgement], facts: Facts, shadow: tuple[Shadow, ...]) -> Verdict:
    documents = [one.pinned.document for one in judged]
    denials = tuple(sorted({denial for one in judged for denial in one.denials}))
    asked = _strongest({asked for one in judged for asked in one.obligations})
    extra = extra_for(facts, asked)
    obligations = with_extra(asked, extra)
    blocks = [answer for one in judged for answer in one.blocks]
    still_open = [answer for one in judged for answer in one.open]
    pending = frozenset().union(*(pending_behind(answer, facts) for answer in still_open))
    ages = [one.step_up for one in judged if one.step_up]
    return Verdict(
        outcome=_outcome(denials, blocks, obligations),
        obligations=obligations,
        denials=denials,
        explanation=_all(one.explanation for one in judged),
        blocking=_missing(blocks),
        unknown=_missing(answer for one in judged for answer in one.undecided),
        # A certain deny stays one whatever comes.
        pending_facts=frozenset() if denials else pending,
        decide_within=min(one.limits[0] for one in judged),
        valid_for=min(one.limits[1] for one in judged),
        hold=tuple(sorted({name for document in documents for name in document.hold})),
        reads=tuple(sorted({name for document in documents for name in document.reads})),
        policies=tuple(_ref(one) for one in judged),
        schema=facts.schema,
        notes=tuple(sorted({note for one in judged for note in one.notes})),
        risk=max((one.risk for one in judged), key=RISKS.index),
        tolerate=_tolerate(documents),
        on_drift="deny" if any(d.on_drift == "deny" for d in documents) else "requeue",
        supersede=("environment" if any(d.supersede != "none" for d in documents) else "none"),
        step_up=min(ages, default=0),
        glass=_glass(judged),
        escalate=tuple(sorted({step for document in documents for step in document.escalate})),
        shadow=shadow,
        extra=extra,
    )


def _strongest(asked: set[Obligation]) -> tuple[Obligation, ...]:
    """Without those that another one covers: two versions of a policy ask for 2 and 1 the same."""
    return tuple(sorted(one for one in asked if not any(o.covers(one) and o != one for o in asked)))


def _tolerate(documents: Sequence[PolicyDocument]) -> tuple[tuple[str, float], ...]:
    """The least that anybody who holds the fact tolerates; who says nothing tolerates nothing."""
    found: dict[str, float] = {}
    for document in documents:
        wanted = dict(document.tolerate)
        for name in document.hold:
            found[name] = min(found.get(name, float("inf")), wanted.get(name, 0.0))
    return tuple(sorted((name, by) for name, by in found.items() if by > 0))


def _glass(judged: Sequence[Judgement]) -> tuple[Glass, ...]:
    """The emergency doors: nothing hard stands in the way, and whoever stands there has one."""
    standing = [one for one in judged if one.denials or one.obligations or one.blocks]
    levels = [denial.level for one in standing for denial in one.denials]
    levels += [asked.level for one in standing for asked in one.obligations]
    doors = [(one.pinned.document.policy, one.pinned.document.break_glass) for one in standing]
    if "hard" in levels or any(one.hard_block for one in standing):
        return ()
    if any(door is None for _, door in doors):
        return ()
    return tuple(
        Glass(name, door.by, door.reason_min, door.valid_for, door.notify, door.review_within)
        for name, door in doors
        if door is not None
    )


def _shadow(judged: Judgement) -> Shadow:
    outcome = _outcome(judged.denials, judged.blocks, judged.obligations)
    return Shadow(_ref(judged), outcome, tuple(sorted(judged.obligations)), judged.denials)


def _ref(judged: Judgement) -> PolicyRef:
    return PolicyRef(*_key(judged.pinned))


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


def _all(parts: Iterable[tuple[Part, ...]]) -> tuple[Part, ...]:
    return tuple(part for found in parts for part in found)


def _denied(sentence: str, facts: Facts, shadow: tuple[Shadow, ...]) -> Verdict:
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
        shadow=shadow,
    )


def _text(state: FactState) -> str | None:
    return state.value if isinstance(state, Known) and isinstance(state.value, str) else None
