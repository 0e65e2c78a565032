"""Explanations: for each rule *applies*, *does not* or *cannot tell*, and what is behind it."""

from collections.abc import Mapping

from policies.language.conditions import Answer, Condition, Truth
from policies.language.document import (
    DEFAULT_RULE,
    PinnedPolicy,
    PolicyDocument,
    Requirement,
    Rule,
)
from policies.language.facts import Facts, Known
from policies.language.template import show
from policies.language.verdict import (
    RESULTS,
    FactShown,
    NamedResult,
    Obligation,
    RuleResult,
)


def explain_rule(
    pinned: PinnedPolicy,
    rule: Rule,
    answer: Answer,
    answers: Mapping[str, Answer],
    facts: Facts,
    instead: tuple[Obligation, ...],
) -> RuleResult:
    """The rule with its answer and the tree of definitions and facts behind it.

    `instead`: who is asked in place of a deny that cannot be told.
    """
    document = pinned.document
    said = _sentence(rule, answer, facts, instead)
    return RuleResult(
        policy=document.policy,
        version=pinned.version,
        rule=rule.id,
        effect=rule.effect,
        level=rule.level,
        result=RESULTS[answer.truth],
        sentence=f"{document.policy}/{rule.id}: {said}",
        remedy=_remedy(rule, answer, facts, instead),
        condition=rule.when.text,
        error=answer.error,
        named=_named(rule.when, document, answers, facts),
        facts=_facts(rule.when, facts),
    )


def rule_result(pinned: PinnedPolicy, rule: Rule, answer: Answer) -> RuleResult:
    """The answer without sentences and what is behind it: for whoever only counts."""
    return RuleResult(
        policy=pinned.document.policy,
        version=pinned.version,
        rule=rule.id,
        effect=rule.effect,
        level=rule.level,
        result=RESULTS[answer.truth],
        sentence="",
        remedy="",
        condition="",
        error="",
        named=(),
        facts=(),
    )


def explain_default(pinned: PinnedPolicy, asked: Requirement, *, applies: bool) -> RuleResult:
    """The default as if it were a rule."""
    policy = pinned.document.policy
    if applies:
        said = f"no rule is certain on attested facts, so the default asks for {people(asked)}."
    else:
        said = "does not apply; a rule is certain."
    return RuleResult(
        policy=policy,
        version=pinned.version,
        rule=DEFAULT_RULE,
        effect="default",
        level="hard",
        result="applies" if applies else "does_not",
        sentence=f"{policy}/{DEFAULT_RULE}: {said}",
        remedy=f"{people(asked)}." if applies else "",
        condition="",
        error="",
        named=(),
        facts=(),
    )


def people(asked: Requirement) -> str:
    """`2 approvals from dba or team-leads, 1 of them from dba`."""
    noun = "approval" if asked.count == 1 else "approvals"
    said = f"{asked.count} {noun} from {' or '.join(asked.groups)}"
    # A single group with a share needs no word on it.
    if len(asked.groups) > 1:
        said += "".join(f", {n} of them from {group}" for group, n in asked.including)
    if asked.sequence:
        said += f", first {', then '.join(asked.sequence)}"
    if asked.distinct_across:
        said += f", not the people of {' and '.join(asked.distinct_across)}"
    return said


def _sentence(rule: Rule, answer: Answer, facts: Facts, instead: tuple[Obligation, ...]) -> str:
    if answer.truth is Truth.FALSE:
        return f"does not apply; it {_would(rule)} when {_when(rule)}."
    if answer.truth is Truth.TRUE:
        return _applies(rule, facts) if rule.binding else advice(rule, facts)
    if not rule.binding:
        return f"cannot tell, {_why_unknown(answer, facts)}; it is only shown."
    if instead:
        asked = " and ".join(people(one.asked) for one in instead)
        effect = f"so it asks for {asked} instead"
    else:
        effect = {
            "deny": "so it blocks until that is known",
            "require": f"so it asks for {_asks(rule)} to be safe",
            "approve": "so it does not approve",
            "limit": f"so it {_would(rule)} to be safe",
        }[rule.effect]
    return f"cannot tell, {_why_unknown(answer, facts)}, {effect}."


def _applies(rule: Rule, facts: Facts) -> str:
    if rule.effect == "deny":
        return rule.sentence.fill(facts) if rule.sentence else ""
    if rule.effect == "approve":
        return "approves without people, unless another rule asks for them."
    return f"{_would(rule)}."


def advice(rule: Rule, facts: Facts) -> str:
    """What a rule that applies and is only shown says to people."""
    if rule.sentence is None:
        return f"Advice only; it would ask for {_asks(rule)}."
    said = rule.sentence.fill(facts)
    return said if rule.effect == "note" else f"Advice only; it would deny: {said}"


def _would(rule: Rule) -> str:
    """What the rule does when it applies, in the third person."""
    if rule.limit:
        parts = []
        if rule.limit.valid_for is not None:
            parts.append(f"the time to use it to {rule.limit.valid_for} s")
        if rule.limit.decide_within is not None:
            parts.append(f"the time to decide to {rule.limit.decide_within} s")
        return f"limits {' and '.join(parts)}"
    words = {"deny": "denies", "approve": "approves", "note": "says something"}
    return words.get(rule.effect, f"asks for {_asks(rule)}")


def _remedy(rule: Rule, answer: Answer, facts: Facts, instead: tuple[Obligation, ...]) -> str:
    """What would make it pass; empty for a rule that is in nobody's way."""
    if not rule.binding or answer.truth is Truth.FALSE:
        return ""
    if rule.requirement:
        return f"{people(rule.requirement)}."
    if rule.effect != "deny":
        return ""
    if instead:
        return f"{' and '.join(people(one.asked) for one in instead)}."
    if answer.truth is Truth.UNKNOWN:
        missing = " and ".join(sorted(answer.missing)) or "the condition"
        return f"Once {missing} can be told, and this is false: {_when(rule)}."
    now = [
        f"{name} is {show(state.value)}"
        for name in sorted(rule.when.reads)
        if isinstance(state := facts.state(name), Known)
    ]
    values = f" Now {', '.join(now)}." if now else ""
    return f"When this is false: {_when(rule)}.{values}"


def _asks(rule: Rule) -> str:
    return people(rule.requirement) if rule.requirement else ""


def _when(rule: Rule) -> str:
    return " ".join(rule.when.text.split())


def _why_unknown(answer: Answer, facts: Facts) -> str:
    reasons = []
    for name in sorted(answer.missing):
        state = facts.state(name)
        if not isinstance(state, Known):
            reasons.append(f"{name} is unknown ({state.reason})")
    return " and ".join(reasons) or f"the condition cannot be computed ({answer.error})"


def _named(
    condition: Condition, document: PolicyDocument, answers: Mapping[str, Answer], facts: Facts
) -> tuple[NamedResult, ...]:
    """Flat, not a tree: definitions that share definitions would unfold without end."""
    reached = set(condition.names)
    found = []
    for definition in reversed(document.definitions):
        if definition.name not in reached:
            continue
        reached |= definition.condition.names
        answer = answers[definition.name]
        found.append(
            NamedResult(
                name=definition.name,
                condition=definition.condition.text,
                truth=answer.truth,
                error=answer.error,
                names=tuple(sorted(definition.condition.names)),
                facts=_facts(definition.condition, facts),
            )
        )
    return tuple(reversed(found))


def _facts(condition: Condition, facts: Facts) -> tuple[FactShown, ...]:
    return tuple(FactShown(name, facts.state(name)) for name in sorted(condition.reads))
