"""The world as the request page shows it: facts, the change, and what ran here before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.models import Decision, Request, Snapshot
from approvals.queries.change import Change, change_of
from approvals.queries.checks import Checks, checks_of
from approvals.queries.facts import FactGroup, FactRow, fact_rows, grouped, label_of
from approvals.queries.lately import ActionLine, last_actions, numbers_lately
from approvals.queries.readings import Readings, names_of_connections, readings_of
from approvals.queries.unshown import Unshown, unshown
from approvals.queries.visible import Sight
from policies.language.facts import Facts, Known
from portal.templatetags.charts import Series

_NUMBERS = "metric."


@dataclass(frozen=True)
class World:
    """Facts under their headings, those that changed, how sources do, the change, the last
    actions on the environment, and what is shown in part only."""

    groups: list[FactGroup]
    changed: list[FactRow]
    readings: Readings
    change: Change | None
    lately: list[ActionLine]
    unshown: list[Unshown]
    checks: Checks | None


def world_of(request: Request, decisions: Sequence[Decision], sight: Sight, seen: str) -> World:
    """What was known when the request was last looked at (two to seven queries).

    `decisions` in order; `seen` is the digest of the snapshot that the reader had before.
    """
    readings = readings_of(request)
    lately = last_actions(request, sight) if request.policy_version is None else []
    if request.snapshot is None:
        return World([], [], readings, None, lately, [], None)
    body = request.verdict.body if request.verdict else {}
    facts = request.snapshot.typed
    rows = fact_rows(
        request.snapshot,
        _before(request, decisions, seen),
        held=body.get("hold", []),
        used=body.get("reads", []),
        failing=_failing(body),
        series=_series(request, facts, lately, sight),
        silent=readings.silent,
        names=names_of_connections(facts),
    )
    change = change_of(facts, body.get("explanation", []))
    return World(
        groups=grouped(rows),
        changed=[row for row in rows if row.changed],
        readings=readings,
        change=change,
        lately=lately,
        unshown=unshown(rows, change),
        checks=checks_of(facts),
    )


def _before(request: Request, decisions: Sequence[Decision], seen: str) -> list[Snapshot]:
    """What to compare with: what was last approved on, then what the reader saw before.

    In a later round the first is what the void approval was given on, until somebody decides anew.
    """
    current = [d.snapshot for d in decisions if d.round == request.round]
    before = current[:1] or [d.snapshot for d in decisions[-1:]]
    # Who saw the facts as they are gets the marks a newcomer gets: rereading must not wipe them.
    if seen and request.snapshot is not None and seen != request.snapshot.digest:
        before += Snapshot.objects.filter(request=request, digest=seen)[:1]
    return before


def _failing(body: Mapping[str, Any]) -> set[str]:
    """The facts behind the rules that deny."""
    denying = {denial["rule"] for denial in body.get("denials", [])}
    return {
        fact["name"]
        for rule in body.get("explanation", [])
        if rule["rule"] in denying
        for fact in rule["facts"]
    }


def _series(
    request: Request, facts: Facts, lately: Sequence[ActionLine], sight: Sight
) -> dict[str, Series]:
    """How the numbers that connections read moved, with the actions that ran meanwhile."""
    names = [
        name
        for name in sorted(facts.keys())
        if name.startswith(_NUMBERS) and isinstance(facts.state(name), Known)
    ]
    marks = tuple(line.began for line in lately)
    return {
        name: Series(label_of(name), tuple(points), marks)
        for name, points in numbers_lately(request, names, sight).items()
    }
