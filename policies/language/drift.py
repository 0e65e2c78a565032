"""Held facts: what was approved must still be so when it is used."""

from collections.abc import Iterable
from dataclasses import dataclass

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


def held_changes(hold: Iterable[str], old: Facts, new: Facts) -> tuple[Change, ...]:
    """The held facts that differ, by name. Unknown equals nothing, not even unknown."""
    found = []
    for name in sorted(set(hold)):
        before, after = old.state(name), new.state(name)
        same = (
            isinstance(before, Known) and isinstance(after, Known) and before.value == after.value
        )
        if not same:
            found.append(Change(name, before, after))
    return tuple(found)


def _value(state: FactState) -> JSON:
    return value_to_json(state.value) if isinstance(state, Known) else None
