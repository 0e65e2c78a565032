"""What differs between two snapshots, for the people and for the pipeline."""

from collections.abc import Iterable

from approvals.context.registry import VOLATILE
from policies.language.drift import Change
from policies.language.facts import Facts, FactState, Known


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


def _value(state: FactState) -> tuple[bool, object]:
    return (True, state.value) if isinstance(state, Known) else (False, None)
