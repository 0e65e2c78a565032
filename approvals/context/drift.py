"""What differs between two snapshots, for the people and for the pipeline."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from approvals.context.registry import VOLATILE
from policies.language.drift import Change, held_changes
from policies.language.facts import Facts, FactState, Known, Unknown
from policies.language.schema import CURRENT_SCHEMA, SCHEMAS
from policies.language.verdict import Verdict
from portal.kernel.clock import rfc3339

MOST_TEXT = 200
MOST_ITEMS = 10
MOST_MOVED = 20


def changes_between(old: Facts, new: Facts, names: Iterable[str] | None = None) -> list[Change]:
    """Facts whose value differs (volatile ones left out); only `names` when given.

    Becoming unknown, or known, is a difference; two unknowns are not.
    """
    chosen = set(old) | set(new) if names is None else set(names)
    return [
        Change(name, old.state(name), new.state(name))
        for name in sorted(chosen - VOLATILE)
        if _value(old.state(name)) != _value(new.state(name))
    ]


def within(change: Change, tolerate: Mapping[str, float]) -> bool:
    """Whether it is a number that moved no farther than policy lets it."""
    old, new = Facts({change.fact: change.old}), Facts({change.fact: change.new})
    return change.fact in tolerate and not held_changes([change.fact], old, new, tolerate)


def changes_that_matter(old: Facts, new: Facts, body: Mapping[str, Any]) -> list[Change]:
    """The changes that a decision cannot bear, as the verdict stored in `body` says: facts that
    policy reads or holds, except numbers that moved no farther than it lets them."""
    matter = {*body["reads"], *body["hold"]}
    tolerate = {name: float(by) for name, by in body["tolerate"].items()}
    found = changes_between(old, new, matter)
    return [change for change in found if not within(change, tolerate)]


def moved_while_waiting(
    known: Sequence[Mapping[str, Any]], old: Facts, new: Facts, judgement: Verdict, at: datetime
) -> list[dict[str, Any]]:
    """What became otherwise since a request waits, as `{fact, old, new, at}`, the latest first.

    `known` is what had already, of which the old value stays the first one; what is again as it
    was is no news. The first answer of a source is none either, nor is a number that counts on by
    itself or that policy lets move so far, unless policy reads it.
    """
    rows = {str(row["fact"]): dict(row) for row in known}
    read = {*judgement.reads, *judgement.hold}
    for change in changes_between(old, new):
        if not _is_news(change, read, dict(judgement.tolerate)):
            continue
        form, first = shown(change), rows.pop(change.fact, None)
        before = first["old"] if first else form["old"]
        if first is None or before != form["new"]:
            moved = {"fact": change.fact, "old": before, "new": form["new"], "at": rfc3339(at)}
            rows = {change.fact: moved, **rows}
    return list(rows.values())[:MOST_MOVED]


def _is_news(change: Change, read: set[str], tolerate: Mapping[str, float]) -> bool:
    if isinstance(change.old, Unknown) and change.old.kind == "pending":
        return False
    if within(change, tolerate):
        return False
    if change.fact in read:
        return True
    fact = SCHEMAS[CURRENT_SCHEMA].get(change.fact)
    return fact is not None and fact.group != "history" and fact.kind != "double"


def unknown_held(hold: Iterable[str], facts: Facts) -> list[str]:
    """Held facts without a value: nothing can be equal to them, so nothing is approved on them."""
    return [name for name in hold if not isinstance(facts.state(name), Known)]


def shown(change: Change) -> dict[str, Any]:
    """A change as it is stored and sent: long values cut, for the snapshots have them whole."""
    form: dict[str, Any] = change.to_json()
    return {name: _cut(value) for name, value in form.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return f"{value[:MOST_TEXT]}… ({len(value)} characters)"
    if isinstance(value, list):
        cut = [_cut(item) for item in value[:MOST_ITEMS]]
        rest = len(value) - MOST_ITEMS
        return [*cut, f"… and {rest} more"] if rest > 0 else cut
    return value


def _value(state: FactState) -> tuple[bool, object]:
    return (True, state.value) if isinstance(state, Known) else (False, None)
