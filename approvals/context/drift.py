"""What differs between two snapshots, for the people and for the pipeline."""

from collections.abc import Iterable
from typing import Any

from approvals.context.registry import VOLATILE
from policies.language.drift import Change
from policies.language.facts import Facts, FactState, Known

MOST_TEXT = 200
MOST_ITEMS = 10


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
