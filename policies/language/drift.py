"""Held facts: what was approved must still be so when it is used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from policies.language.facts import Facts, FactState, Known, value_to_json
from portal.kernel.canonical import JSON


@dataclass(frozen=True, slots=True)
class Change:
    """A held fact that is not what it was."""

    fact: str
    old: FactState
    new: FactState

    def to_json(self) -> dict[str, JSON]:
        """`fact`, `old`, `new` (null when unknown) and a `note` that says why it is unknown."""
        form: dict[str, JSON] = {
            "fact": self.fact,
            "old": _value(self.old),
            "new": _value(self.new),
        }
        notes = [
            f"{when}: {state.reason}"
            for when, state in (("then", self.old), ("now", self.new))
            if not isinstance(state, Known)
        ]
        return form | {"note": "; ".join(notes)} if notes else form


def held_changes(
    hold: Iterable[str], old: Facts, new: Facts, tolerate: Mapping[str, float] | None = None
) -> tuple[Change, ...]:
    """The held facts that differ, by name; `tolerate` is how far a number may move.

    Unknown equals nothing, not even unknown.
    """
    within = tolerate or {}
    found = [
        Change(name, old.state(name), new.state(name))
        for name in sorted(set(hold))
        if not _same(old.state(name), new.state(name), within.get(name, 0.0))
    ]
    return tuple(found)


def _same(before: FactState, after: FactState, within: float) -> bool:
    if not isinstance(before, Known) or not isinstance(after, Known):
        return False
    if before.value == after.value or not within:
        return before.value == after.value
    if isinstance(before.value, int | float) and isinstance(after.value, int | float):
        # As decimals: 0.012 - 0.01 is a little more than 0.002 in binary.
        moved = abs(Decimal(repr(after.value)) - Decimal(repr(before.value)))
        return moved <= Decimal(repr(within))
    return False


def _value(state: FactState) -> JSON:
    return value_to_json(state.value) if isinstance(state, Known) else None
