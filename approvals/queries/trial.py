"""Trying a policy document: what to start from, the facts as a form, and what came of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from django.utils.translation import gettext as _

from approvals.context.collect import with_sourceless
from approvals.models import Request
from approvals.queries.filters import Condition
from approvals.queries.keys import NEWEST, first_keys
from approvals.queries.rows import title_of
from approvals.queries.said import PolicySaid, outcome_words, said_of
from approvals.queries.visible import sight_of, visible
from policies.language.document import Case, PolicyDocument, matches
from policies.language.facts import Facts, FactState, FactValueError, Known, Unknown
from policies.language.globs import match_glob
from policies.language.reference import kind_words
from policies.language.schema import FactType
from policies.language.testing import given_facts
from policies.language.trial import facts_to_try, is_for, judge_alone, read_typed, write_typed
from policies.queries import match_project
from portal.accounts.models import User
from portal.directory.models import Environment
from portal.kernel.clock import now
from portal.kernel.errors import NotFound

RECENT = 10
NOTHING = "nothing"
_TEST = re.compile(r"test-([0-9]{1,4})")
_NUMBER = re.compile(r"(?:R-)?([0-9]{1,15})", re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class FactField:
    """One fact as a row of the form. `choices` is empty where anything may be typed."""

    name: str
    kind: str
    description: str
    claimed: bool
    choices: tuple[str, ...]
    several: bool
    number: bool
    value: str
    unknown: bool
    reason: str
    error: str


@dataclass(frozen=True)
class Start:
    """What facts may be taken from: the value of the choice, and its word."""

    value: str
    word: str


@dataclass(frozen=True)
class Trial:
    """What the page shows. `said` is None where the start or a fact of the form cannot be read.

    `foreign`: the document is not for this target. `then`: what the policies said to the request
    that the facts are from.
    """

    start: str
    start_error: str
    requests: list[Start]
    tests: list[Start]
    request: Request | None
    case: Case | None
    fields: list[FactField]
    said: PolicySaid | None
    outcome: str
    foreign: bool
    then: str


def try_document(
    person: User, document: PolicyDocument, wish: Mapping[str, str], *, version: int = 0
) -> Trial:
    """Judge what the form says; `wish` may be empty. Stores nothing.

    `start` in it is a request's number or address, `test-N` or `nothing`; `f.NAME` and `u.NAME`
    are a fact's text and whether it is unknown. Without a start, the newest request that matches.
    """
    offered = recent_requests(person, document)
    start = wish.get("start", "").strip() or _first(offered, document)
    request, case, error = None, _case(document, start), ""
    if case is None and start != NOTHING:
        try:
            request = find_request(person, start)
        except NotFound as refusal:
            error = refusal.sentence
    base = _base(document, request, case)
    fields, facts = _read(document, base, wish)
    judged = not error and not any(field.error for field in fields)
    body = judge_alone(document, facts, version).to_json() if judged else {}
    return Trial(
        start=start,
        start_error=error,
        requests=[Start(str(one), _describe(one)) for one in offered],
        tests=[Start(f"test-{n}", t.name) for n, t in enumerate(document.tests, start=1)],
        request=request,
        case=case,
        fields=fields,
        said=said_of(body) if judged else None,
        outcome=str(body.get("outcome", "")),
        foreign=not is_for(document, facts),
        then=outcome_words(request.verdict.outcome) if request and request.verdict else "",
    )


def recent_requests(person: User, document: PolicyDocument) -> list[Request]:
    """The newest requests that the document matches and the person may see, with their facts."""
    sight = sight_of(person)
    places = [
        pk
        for pk, name, project_id, slug in Environment.objects.values_list(
            "pk", "name", "project_id", "project__slug"
        )
        if _within(document, slug, name)
        and (sight.projects is None or project_id in sight.projects or pk in sight.environments)
    ]
    # Place by place: the index of each environment's newest is read, whoever asks.
    nearby = replace(sight, projects=[], environments=places, groups={})
    keys = first_keys(nearby, NEWEST, 5 * RECENT, Condition())
    found = (
        Request.objects.filter(pk__in=keys, snapshot__isnull=False)
        .select_related("project", "environment", "verdict")
        .order_by("-id")
    )
    return [one for one in found if _fits(document, one)][:RECENT]


def find_request(person: User, said: str) -> Request:
    """The request that a number or an address names, with its facts. Raises NotFound."""
    found = None
    if match := _ID.search(said):
        found = visible(person).filter(pk=UUID(match[0]))
    elif number := _NUMBER.fullmatch(said):
        found = visible(person).filter(number=int(number[1]))
    rows = found.select_related("project", "environment", "verdict", "snapshot") if found else None
    request = rows.first() if rows is not None else None
    if request is None or request.snapshot is None:
        raise NotFound(_("There is no such request with facts, or it is not yours to see."))
    return request


def _within(document: PolicyDocument, project: str, environment: str) -> bool:
    return match_project(document.match, project) and any(
        match_glob(pattern, environment) for pattern in document.match.environments
    )


def _fits(document: PolicyDocument, one: Request) -> bool:
    return matches(document, one.project.slug, one.environment.name, one.action)


def _describe(one: Request) -> str:
    title = title_of(one)
    where = _("%(number)s: %(title)s to %(environment)s") % {
        "number": str(one), "title": title, "environment": one.environment.name
    }  # fmt: skip
    return f"{where} · {outcome_words(one.verdict.outcome)}" if one.verdict else where


def _first(offered: list[Request], document: PolicyDocument) -> str:
    if offered:
        return str(offered[0])
    return "test-1" if document.tests else NOTHING


def _case(document: PolicyDocument, start: str) -> Case | None:
    found = _TEST.fullmatch(start)
    number = int(found[1]) if found else 0
    return document.tests[number - 1] if 0 < number <= len(document.tests) else None


def _base(document: PolicyDocument, request: Request | None, case: Case | None) -> Facts:
    if request is not None and request.snapshot is not None:
        return with_sourceless(request.snapshot.typed, document.reads)
    return given_facts(document, case.given if case else ())


def _read(
    document: PolicyDocument, base: Facts, wish: Mapping[str, str]
) -> tuple[list[FactField], Facts]:
    """The rows as they are shown again, and `base` with what they change put over it."""
    fields, states = [], {}
    for fact in facts_to_try(document):
        state, error = base.state(fact.name), ""
        try:
            state = _typed(fact, state, wish)
        except FactValueError as refusal:
            error = refusal.sentence
        states[fact.name] = state
        fields.append(_field(fact, state, wish.get(f"f.{fact.name}", ""), error))
    return fields, base.replaced(states)


def _typed(fact: FactType, before: FactState, wish: Mapping[str, str]) -> FactState:
    """What was typed, or the fact as it was where nothing else was. Raises FactValueError."""
    key = f"f.{fact.name}"
    if key not in wish:
        return before
    text = wish[key].replace("\r\n", "\n")
    free = fact.kind in {"string", "list"} and not fact.enumeration
    if f"u.{fact.name}" in wish or (not text and not free):
        gone = Unknown(str(_("unknown in this trial")), "unavailable")
        return before if isinstance(before, Unknown) else gone
    if isinstance(before, Known) and write_typed(before.value) == text:
        return before
    return Known(read_typed(fact, text), fact.group, now(), fact.provenance)


def _field(fact: FactType, state: FactState, typed: str, error: str) -> FactField:
    known = isinstance(state, Known)
    value = write_typed(state.value) if isinstance(state, Known) else ""
    return FactField(
        name=fact.name,
        kind=kind_words(fact),
        description=fact.description,
        claimed=fact.claimed,
        choices=fact.enumeration or (("true", "false") if fact.kind == "bool" else ()),
        several=fact.kind == "list" or "\n" in value,
        number=fact.kind in {"int", "double"},
        value=typed if error else value,
        unknown=not known and not error,
        reason="" if isinstance(state, Known) else state.reason,
        error=error,
    )
