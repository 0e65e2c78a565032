"""Running the tests inside a document.

A test names the facts that matter to it. A rule, or a condition of the risk, that cannot be told
only because of facts that the test does not name is left out of that test; a fact written as `~` is
unknown, as it is when its source is down.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from policies.language.conditions import Answer, Condition
from policies.language.document import Case, PinnedPolicy, PolicyDocument, Risk
from policies.language.evaluate import evaluate
from policies.language.facts import Facts, FactState, Known, Unknown, Value
from policies.language.judge import answers_to
from policies.language.schema import SCHEMAS
from policies.language.verdict import Outcome, Verdict

_AT = datetime(2000, 1, 1, tzinfo=UTC)
_LEFT_OUT = Unknown("not given", "unavailable")
_GONE = Unknown("given as unknown", "unavailable")
_DIGEST = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one test went: each difference is a sentence; none means it passed."""

    case: Case
    verdict: Verdict
    because: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def run_cases(document: PolicyDocument) -> tuple[CaseResult, ...]:
    """Every test of the document, as if it were in force for whatever it matches."""
    # A document in shadow or switched off is tested for what it would say.
    enforced = replace(document, mode="enforce")
    return tuple(_run(enforced, case) for case in document.tests)


def _run(document: PolicyDocument, case: Case) -> CaseResult:
    facts = given_facts(document, case.given)
    told = _told(document, case, facts)
    verdict = evaluate([PinnedPolicy(told, 1, _DIGEST)], facts)
    because = behind(verdict)
    differences = tuple(_differences(case, verdict, because))
    return CaseResult(case, verdict, because, differences)


def given_facts(document: PolicyDocument, given: Iterable[tuple[str, Value | None]]) -> Facts:
    """The facts that the document reads: those of `given` (None: unknown), the others unknown.

    Without a target in `given`, one that the document matches.
    """
    states: dict[str, FactState] = {}
    schema = SCHEMAS[document.facts]
    values: dict[str, Value | None] = {**_target(document), **dict(given)}
    for name in document.reads | values.keys():
        value = values.get(name)
        if name not in values:
            states[name] = _LEFT_OUT
        elif value is None:
            states[name] = _GONE
        else:
            fact = schema[name]
            states[name] = Known(value, fact.group, _AT, fact.provenance)
    return Facts(states, document.facts)


def _target(document: PolicyDocument) -> dict[str, Value | None]:
    """A target that the policy matches, for tests that do not name one."""
    match = document.match
    patterns = zip(
        ("request.project", "request.environment", "request.action"),
        (match.projects, match.environments, match.actions),
        strict=True,
    )
    return {name: _sample(found[0]) for name, found in patterns}


def _sample(pattern: str) -> str:
    return pattern.replace("**", "*").replace("*", "any").replace("?", "x")


def _told(document: PolicyDocument, case: Case, facts: Facts) -> PolicyDocument:
    """What can be told, or what a fact written as unknown keeps from being told."""
    unknown = {name for name, value in case.given if value is None}
    named, answers = answers_to(document, document.rules, facts)

    def told(answer: Answer) -> bool:
        return not answer.missing or bool(answer.missing & unknown)

    def kept(condition: Condition | None) -> Condition | None:
        return condition if condition and told(condition.evaluate(facts, named)) else None

    risk = Risk(kept(document.risk.high), kept(document.risk.medium))
    return replace(document, rules=tuple(r for r, a in answers.items() if told(a)), risk=risk)


def behind(verdict: Verdict) -> tuple[str, ...]:
    """The rules that the outcome rests on, by id."""
    if verdict.outcome is Outcome.DENY:
        found = {denial.rule for denial in verdict.denials}
    elif verdict.outcome is Outcome.REVIEW:
        found = {asked.rule for asked in verdict.obligations}
    else:
        effect, result = (
            ("approve", "applies") if verdict.outcome is Outcome.ALLOW else ("deny", "cannot_tell")
        )
        found = {
            rule.rule
            for rule in verdict.explanation
            if rule.effect == effect and rule.result == result and rule.level != "advisory"
        }
        # Where people are asked in place of a deny, it is not what blocks.
        found -= {asked.rule for asked in verdict.obligations}
    return tuple(sorted(found - {""}))


def _differences(case: Case, verdict: Verdict, because: tuple[str, ...]) -> Iterable[str]:
    if verdict.outcome.value != case.verdict:
        why = f" because of {', '.join(because)}" if because else ""
        yield f"the verdict is {verdict.outcome.value}{why}, not {case.verdict}"
    elif case.because is not None and because != case.because:
        found, wanted = ", ".join(because) or "nothing", ", ".join(case.because) or "nothing"
        yield f"it is because of {found}, not {wanted}"
    if case.risk is not None and verdict.risk != case.risk:
        yield f"the risk is {verdict.risk or 'not told'}, not {case.risk}"
    if case.valid_for is not None and verdict.valid_for != case.valid_for:
        yield f"it is valid for {verdict.valid_for} s, not {case.valid_for} s"
