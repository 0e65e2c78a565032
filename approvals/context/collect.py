"""Bringing facts together: those at hand at once, the others in parallel with budgets."""

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from approvals.context.history import history_of
from approvals.context.registry import AT_HAND, REMOTE, SOURCES, VOLATILE
from approvals.context.source import Question, Source, SourceFailed
from approvals.models import Reading, Request
from policies.language.facts import Facts, FactState, Known, Unknown
from portal.kernel.canonical import digest_of
from portal.kernel.text import make_visible

log = logging.getLogger(__name__)

NO_SOURCE = Unknown("no source is connected for it", "absent")


@dataclass(frozen=True)
class Answer:
    """What sources said: their facts, or why they could not; `failed` are the sources by name."""

    states: Mapping[str, FactState]
    error: str = ""
    failed: tuple[str, ...] = ()


def question_about(request: Request, now: datetime) -> Question:
    """The question every source gets; reads the environment's past and calendar (one statement)."""
    history, calendar = history_of(request.project_id, request.environment_id, request.action, now)
    return Question(
        request_id=request.id,
        project_id=request.project_id,
        environment_id=request.environment_id,
        project=request.project.slug,
        environment=request.environment.name,
        tier=request.environment.tier,
        action=request.action,
        subject=request.subject,
        run=request.run,
        labels=tuple(request.labels),
        claims=request.claims,
        reason=request.reason,
        repository=request.project.repository,
        branch=request.project.branch,
        policy_version=request.policy_version,
        history=history,
        calendar=calendar,
        now=now,
    )


def facts_at_hand(question: Question) -> dict[str, FactState]:
    """What this process and its database can tell by themselves."""
    states: dict[str, FactState] = {}
    for source in AT_HAND:
        states.update(source.known(question))
    return states


def wanted_sources(question: Question, facts: Iterable[str] | None = None) -> list[Source]:
    """Remote sources worth asking about this request; only those of `facts` when given."""
    names = None if facts is None else frozenset(facts)
    return [s for s in REMOTE if s.applies(question) and (names is None or s.gives_any(names))]


def silent(source: Source, reason: str) -> dict[str, FactState]:
    """Every fact of a source that failed, as unknown with the reason."""
    return {fact.name: Unknown(reason, "unavailable") for fact in source.fact_types()}


def without_source(question: Question) -> dict[str, FactState]:
    """Facts of remote sources that do not apply to this request: unknown, and nobody will ask."""
    return {
        fact.name: Unknown(source.silence, "absent")
        for source in REMOTE
        if not source.applies(question)
        for fact in source.fact_types()
    }


def with_sourceless(facts: Facts, read: frozenset[str]) -> Facts:
    """`facts`, and those of `read` that nobody was there to tell or to be asked about."""
    missing = read - facts.keys()
    return facts.replaced(dict.fromkeys(missing, NO_SOURCE)) if missing else facts


def ask(source: Source, question: Question) -> Answer:
    """One reading; a failure becomes an answer, never an exception."""
    try:
        return Answer(source.known(question))
    except SourceFailed as failure:
        return _failed(source, str(failure))
    except Exception as error:  # a source is foreign code: whatever it raises is "unknown"
        log.exception("source %s failed", source.name)
        return _failed(source, f"the source failed ({type(error).__name__})")


def _failed(source: Source, reason: str) -> Answer:
    reason = make_visible(reason)  # it quotes the outside: nothing in it may break what stores it
    return Answer(silent(source, reason), reason, (source.name,))


def ask_all(sources: list[Source], question: Question) -> Answer:
    """Ask in parallel, each within its budget; `error` says which did not answer, and why."""
    if not sources:
        return Answer({})
    states: dict[str, FactState] = {}
    errors: dict[str, str] = {}
    pool = ThreadPoolExecutor(max_workers=len(sources), thread_name_prefix="source")
    try:
        asked: dict[Future[Answer], Source] = {
            pool.submit(ask, source, question): source for source in sources
        }
        for future, source in asked.items():
            try:
                answer = future.result(timeout=source.budget + 1)
            except TimeoutError:
                answer = _failed(source, f"no answer within {source.budget:g} s")
            states.update(answer.states)
            if answer.error:
                errors[source.name] = answer.error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    said = "; ".join(f"{name}: {reason}" for name, reason in errors.items())
    return Answer(states, said, tuple(errors))


def states_of(reading: Reading) -> dict[str, FactState]:
    """The facts of a stored reading; pending while the first answer is awaited."""
    source = SOURCES[reading.source]
    if reading.facts:
        return dict(Facts.from_json(reading.facts))
    if reading.state == Reading.State.FAILED:
        return silent(source, reading.error)
    return being_read(source)


def being_read(source: Source) -> dict[str, FactState]:
    """Every fact of a source whose first answer is awaited."""
    return {fact.name: Unknown("being read", "pending") for fact in source.fact_types()}


def facts_digest(facts: Facts) -> str:
    """Digest of names and values only: reading the same again is no change."""
    return digest_of(
        {
            name: state.to_json()["value"] if isinstance(state, Known) else {"unknown": state.kind}
            for name, state in facts.items()
            if name not in VOLATILE
        }
    )
