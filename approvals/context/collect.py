"""Bringing facts together: those at hand at once, the others in parallel with budgets."""

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.db import connections

from approvals.context.connected import Connected
from approvals.context.history import history_of
from approvals.context.registry import AT_HAND, CONNECTED, REMOTE, VOLATILE
from approvals.context.source import Question, Source, SourceFailed
from approvals.models import Reading, Request
from policies.language.facts import Facts, FactState, Known, Unknown
from portal.kernel.canonical import digest_of
from portal.kernel.text import make_visible

log = logging.getLogger(__name__)

NO_SOURCE = Unknown("no source is connected for it", "absent")


@dataclass(frozen=True)
class Asked:
    """A source that can know something about a request, and the facts that are its to give."""

    source: Source
    facts: frozenset[str]

    @property
    def key(self) -> str:
        """What its readings are kept under."""
        return self.source.key

    def all_of(self, state: FactState) -> dict[str, FactState]:
        """Every fact of it in the same state."""
        return dict.fromkeys(self.facts, state)


@dataclass(frozen=True)
class Answer:
    """What sources said: their facts, or why they could not; `failed` are the facts of those."""

    states: Mapping[str, FactState]
    error: str = ""
    failed: frozenset[str] = frozenset()


def question_about(request: Request, now: datetime, *, fresh: bool = False) -> Question:
    """The question every source gets; reads the environment's past and calendar (one statement)."""
    history, calendar, connected = history_of(
        request.project_id, request.environment_id, request.action, now
    )
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
        plan=request.plan,
        history=history,
        calendar=calendar,
        now=now,
        connections=connected if request.policy_version_id is None else (),
        fresh=fresh,
    )


def facts_at_hand(question: Question) -> dict[str, FactState]:
    """What this process and its database can tell by themselves."""
    states: dict[str, FactState] = {}
    for source in AT_HAND:
        states.update(source.known(question))
    return states


def remote_sources(question: Question) -> list[Asked]:
    """Remote sources that can know something about this request, with the facts of each.

    Where several give a fact, it is the connection's rather than the portal's own source's, of
    connections the more specific one's, then the older one's; what that one does not know, no other
    is asked for, or a failure would let a less specific source speak.
    """
    owner: dict[str, Source] = {}
    for source in _all_sources(question):
        if source.applies(question):
            owner.update({fact.name: source for fact in source.fact_types()})
    facts: dict[Source, set[str]] = {}
    for name, source in owner.items():
        facts.setdefault(source, set()).add(name)
    return [Asked(source, frozenset(names)) for source, names in facts.items()]


def _all_sources(question: Question) -> list[Source]:
    connected = [
        Connected(CONNECTED[one.kind], one)
        for one in question.connections
        if one.kind in CONNECTED  # what is not installed any more gives nothing
    ]
    return [*REMOTE, *connected]


def wanted_sources(question: Question, facts: Iterable[str]) -> list[Asked]:
    """Remote sources that have one of `facts` to give."""
    wanted = frozenset(facts)
    return [asked for asked in remote_sources(question) if asked.facts & wanted]


def remote_source(question: Question, key: str) -> Asked | None:
    """The one whose readings are kept under `key`, where it is (still) asked about the request."""
    return next((asked for asked in remote_sources(question) if asked.key == key), None)


def without_source(question: Question) -> dict[str, FactState]:
    """Facts of the portal's own remote sources that nobody is asked for here, with the reason."""
    asked = {name for one in remote_sources(question) for name in one.facts}
    return {
        fact.name: Unknown(source.silence, "absent")
        for source in REMOTE
        for fact in source.fact_types()
        if fact.name not in asked
    }


def with_sourceless(facts: Facts, read: frozenset[str]) -> Facts:
    """`facts`, and those of `read` that nobody was there to tell or to be asked about."""
    missing = read - facts.keys()
    return facts.replaced(dict.fromkeys(missing, NO_SOURCE)) if missing else facts


def ask(asked: Asked, question: Question) -> Answer:
    """One reading; a failure becomes an answer, never an exception."""
    try:
        states = asked.source.known(question)
    except SourceFailed as failure:
        return _failed(asked, str(failure))
    except Exception as error:  # a source is foreign code: whatever it raises is "unknown"
        log.exception("source %s failed", asked.key)
        return _failed(asked, f"the source failed ({type(error).__name__})")
    return Answer({name: states[name] for name in states if name in asked.facts})


def _failed(asked: Asked, reason: str) -> Answer:
    reason = make_visible(reason)  # it quotes the outside: nothing in it may break what stores it
    return Answer(asked.all_of(Unknown(reason, "unavailable")), reason, asked.facts)


def ask_all(sources: list[Asked], question: Question, seconds: float) -> Answer:
    """Ask in parallel, each within its budget and all within `seconds`.

    `error` says which did not answer, and why.
    """
    if not sources:
        return Answer({})
    begun = time.monotonic()
    pool = ThreadPoolExecutor(max_workers=len(sources), thread_name_prefix="source")
    futures = [(asked, pool.submit(_ask_in_thread, asked, question)) for asked in sources]
    try:
        answers = [
            _answer_of(future, asked, begun, min(seconds, asked.source.budget + 1))
            for asked, future in futures
        ]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return Answer(
        {name: state for answer in answers for name, state in answer.states.items()},
        "; ".join(
            f"{asked.source.label}: {answer.error}"
            for asked, answer in zip(sources, answers, strict=True)
            if answer.error
        ),
        frozenset(name for answer in answers for name in answer.failed),
    )


def _ask_in_thread(asked: Asked, question: Question) -> Answer:
    try:
        return ask(asked, question)
    finally:
        connections.close_all()  # the thread ends: its connection goes back to the pool


def _answer_of(future: Future[Answer], asked: Asked, begun: float, seconds: float) -> Answer:
    try:
        return future.result(timeout=max(0.0, begun + seconds - time.monotonic()))
    except TimeoutError:
        return _failed(asked, f"no answer within {min(seconds, asked.source.budget):g} s")


def states_of(asked: Asked, reading: Reading | None) -> dict[str, FactState]:
    """Its facts as stored; pending while the first answer is awaited."""
    if reading is not None and reading.facts:
        facts = Facts.from_json(reading.facts)
        return {name: facts.state(name) for name in asked.facts}
    if reading is not None and reading.state == Reading.State.FAILED:
        return asked.all_of(Unknown(reading.error, "unavailable"))
    return being_read(asked)


def being_read(asked: Asked) -> dict[str, FactState]:
    """Every fact of a source whose first answer is awaited."""
    return asked.all_of(Unknown("being read", "pending"))


def facts_digest(facts: Facts) -> str:
    """Digest of names and values only: reading the same again is no change."""
    return digest_of(
        {
            name: state.to_json()["value"] if isinstance(state, Known) else {"unknown": state.kind}
            for name, state in facts.items()
            if name not in VOLATILE
        }
    )
