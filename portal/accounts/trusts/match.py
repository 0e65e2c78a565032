"""Whether the claims of a verified token are what a trust accepts: pure, and check by check."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from portal.accounts.trusts.presets import Claims, Path, Preset, text_at

MOST_RUN = 200
MOST_ATTEMPT = 100_000


@dataclass(frozen=True)
class Rule:
    """What a trust accepts. What is empty is not asked for; `source`, or `claims`, never is.

    `run` and `attempt` are paths of claims.
    """

    preset: Preset
    source: str = ""
    refs: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    environment: str = ""
    workflow: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    run: Path = ()
    attempt: Path = ()


@dataclass(frozen=True)
class Check:
    """One thing that was asked of a token: what the trust wants, what the token says."""

    what: str
    wanted: str
    found: str
    ok: bool


@dataclass(frozen=True)
class Run:
    """Which run attempt a token is of."""

    id: str
    attempt: int


def checks(rule: Rule, claims: Claims) -> list[Check]:
    """Everything the rule asks of the claims, in the order in which it is told."""
    return [*_origin(rule, claims), *_asked(rule, claims), *_run(rule, claims)]


def refused_by(found: list[Check]) -> Check | None:
    """The first that does not hold; None: the token is accepted."""
    return next((check for check in found if not check.ok), None)


def run_of(rule: Rule, claims: Claims) -> Run | None:
    """The run attempt, where the token names it in a form that can be kept."""
    run = text_at(claims, rule.run)
    attempt = text_at(claims, rule.attempt) if rule.attempt else "1"
    if not run.isprintable() or not 0 < len(run) <= MOST_RUN:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,5}", attempt) or int(attempt) > MOST_ATTEMPT:
        return None
    return Run(run, int(attempt))


def ref_fits(pattern: str, ref: str) -> bool:
    """Whether the full name of a branch or tag fits; one `*` is anything without a slash."""
    before, star, after = pattern.partition("*")
    if not star:
        return ref == pattern
    middle = ref[len(before) : len(ref) - len(after)]
    long_enough = len(ref) >= len(before) + len(after)
    return long_enough and ref.startswith(before) and ref.endswith(after) and "/" not in middle


def _origin(rule: Rule, claims: Claims) -> Iterator[Check]:
    """Where the run comes from; no trust can accept a fork."""
    preset = rule.preset
    foreign = preset.foreign(claims)
    yield Check("origin", "the project itself, no fork", foreign, not foreign)
    if preset.source:
        found = text_at(claims, preset.source)
        yield _equal(".".join(preset.source), rule.source, found)


def _asked(rule: Rule, claims: Claims) -> Iterator[Check]:
    preset = rule.preset
    if preset.tells_ref:
        ref = preset.ref(claims)
        fits = bool(ref) and any(ref_fits(pattern, ref) for pattern in rule.refs)
        yield Check("ref", " ".join(rule.refs), ref, fits)
    if preset.protected:
        yield _equal(".".join(preset.protected), "true", text_at(claims, preset.protected))
    if rule.events or preset.events:
        event = text_at(claims, preset.event)
        allowed = event in rule.events and event not in preset.refused_events
        yield Check(".".join(preset.event), " ".join(rule.events), event, bool(event) and allowed)
    if rule.environment:
        yield _equal("environment", rule.environment, text_at(claims, preset.environment))
    if rule.workflow:
        yield _equal("workflow path", rule.workflow, preset.workflow(claims))
    for name, wanted in rule.claims.items():
        yield _equal(name, wanted, text_at(claims, (name,)))


def _run(rule: Rule, claims: Claims) -> Iterator[Check]:
    found = run_of(rule, claims)
    said = f"{found.id}, attempt {found.attempt}" if found else text_at(claims, rule.run)
    yield Check("run", "an id of the run", said, found is not None)


def _equal(what: str, wanted: str, found: str) -> Check:
    return Check(what, wanted, found, bool(wanted) and found == wanted)
