"""Explanations: for each rule *applies*, *does not* or *cannot tell*, and what is behind it."""

from collections.abc import Iterable, Mapping

from policies.language.conditions import Answer, Condition, Truth
from policies.language.document import DEFAULT_RULE, PolicyDocument, Requirement, Rule
from policies.language.facts import Facts, Known
from policies.language.verdict import (
    RESULTS,
    FactShown,
    NamedResult,
    Obligation,
    RuleResult,
)


def people(count: int, groups: Iterable[str]) -> str:
    """`2 approvals from dba or team-leads`."""
    noun = "approval" if count == 1 else "approvals"
    return f"{count} {noun} from {' or '.join(sorted(groups))}"


def explain_rule(
    document: PolicyDocument,
    version: int,
    rule: Rule,
    answer: Answer,
    answers: Mapping[str, Answer],
    facts: Facts,
) -> RuleResult:
    """The rule with its answer and the tree of definitions and facts behind it."""
    return RuleResult(
        policy=document.policy,
        version=version,
        rule=rule.id,
        effect=rule.effect,
        result=RESULTS[answer.truth],
        sentence=f"{document.policy}/{rule.id}: {_sentence(rule, answer, facts)}",
        condition=rule.when.text,
        error=answer.error,
        named=_named(rule.when, document, answers, facts),
        facts=_facts(rule.when, facts),
    )


def explain_default(
    document: PolicyDocument, version: int, asked: Requirement, *, applies: bool
) -> RuleResult:
    """The default as if it were a rule."""
    if applies:
        wanted = people(asked.count, asked.groups)
        said = f"no rule is certain on attested facts, so the default asks for {wanted}."
    else:
        said = "does not apply; a rule is certain."
    return RuleResult(
        policy=document.policy,
        version=version,
        rule=DEFAULT_RULE,
        effect="default",
        result="applies" if applies else "does_not",
        sentence=f"{document.policy}/{DEFAULT_RULE}: {said}",
        condition="",
        error="",
        named=(),
        facts=(),
    )


def obligation(document: PolicyDocument, rule: str, asked: Requirement) -> Obligation:
    """The requirement as an obligation of this policy."""
    return Obligation(document.policy, rule, asked.count, asked.groups)


def _sentence(rule: Rule, answer: Answer, facts: Facts) -> str:
    asks = ""
    if rule.requirement:
        asks = people(rule.requirement.count, rule.requirement.groups)
    if answer.truth is Truth.FALSE:
        what = {"deny": "denies", "require": "asks for", "approve": "approves"}[rule.effect]
        when = " ".join(rule.when.text.split())
        return f"does not apply; it {what} {asks}".rstrip() + f" when {when}."
    if answer.truth is Truth.TRUE:
        return {
            "deny": rule.denial.fill(facts) if rule.denial else "",
            "require": f"asks for {asks}.",
            "approve": "approves without people, unless another rule asks for them.",
        }[rule.effect]
    effect = {
        "deny": "so it blocks until that is known",
        "require": f"so it asks for {asks} to be safe",
        "approve": "so it does not approve",
    }[rule.effect]
    return f"cannot tell, {_why_unknown(answer, facts)}, {effect}."


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
