"""Counting distinct people against obligations. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """One obligation: `count` distinct people who are in any of `groups`."""

    policy: str
    rule: str
    count: int
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Tally:
    """How far one obligation is: the people who count for it, in the order they decided."""

    asked: Asked
    people: tuple[str, ...]

    @property
    def given(self) -> int:
        return min(len(self.people), self.asked.count)

    @property
    def missing(self) -> int:
        return max(0, self.asked.count - len(self.people))

    @property
    def done(self) -> bool:
        return self.missing == 0


def tally(
    obligations: Iterable[Asked], approvals: Iterable[str], groups_of: Mapping[str, frozenset[str]]
) -> list[Tally]:
    """Count `approvals` (person ids, in order) for each obligation.

    `groups_of` is each person's membership as it is now: somebody who left counts no longer. One
    person may serve several obligations, but counts once in each, whatever groups they are in.
    """
    people = list(dict.fromkeys(approvals))
    return [
        Tally(
            asked,
            tuple(p for p in people if groups_of.get(p, frozenset()) & set(asked.groups)),
        )
        for asked in obligations
    ]


def satisfied(tallies: Iterable[Tally]) -> bool:
    """Whether every obligation is met. Nothing asked is not an approval: that is policy's word."""
    return all(found.done for found in tallies)


def impossible(
    obligations: Iterable[Asked], eligible_in: Mapping[str, frozenset[str]]
) -> list[Asked]:
    """Obligations that cannot be met: fewer eligible people in their groups than they ask for.

    `eligible_in` maps a group's name to the ids of its members who may decide.
    """
    return [
        asked
        for asked in obligations
        if len(frozenset().union(*(eligible_in.get(g, frozenset()) for g in asked.groups)))
        < asked.count
    ]
