"""Counting distinct people against obligations. Pure.

An obligation is a row of places to fill, each with somebody else: `count` of them for anybody in
`groups`, some of which `including` keeps for one group. With a `sequence`, the places of a later
group open once those of the earlier ones are filled, and an approval fills only a place that was
open when it was given. Obligations linked by `distinct_across` share one row of people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """One obligation: `count` distinct people who are in any of `groups`."""

    policy: str
    rule: str
    count: int
    groups: tuple[str, ...]
    including: tuple[tuple[str, int], ...] = ()
    sequence: tuple[str, ...] = ()
    distinct_across: tuple[str, ...] = ()
    self_approval: bool = False


@dataclass(frozen=True)
class Tally:
    """How far one obligation is: the people who fill its places, in the order they decided.

    `waits_for`: the groups whose members' approvals would count now.
    """

    asked: Asked
    people: tuple[str, ...]
    waits_for: tuple[str, ...]

    @property
    def given(self) -> int:
        return len(self.people)

    @property
    def missing(self) -> int:
        return self.asked.count - len(self.people)

    @property
    def done(self) -> bool:
        return self.missing == 0


@dataclass(frozen=True)
class _Place:
    """One place of an obligation (by its number): who may fill it, and its turn in the sequence.

    Turn 0 is outside the sequence: open from the start, and nobody waits for it.
    """

    asked: int
    groups: frozenset[str]
    turn: int


Memberships = Mapping[str, frozenset[str]]
_NONE: frozenset[str] = frozenset()


def tally(
    obligations: Iterable[Asked], approvals: Iterable[str], groups_of: Memberships
) -> list[Tally]:
    """Count `approvals` (person ids, in order) for each obligation.

    `groups_of` is each person's membership as it is now: somebody who left counts no longer. One
    person may serve several obligations unless `distinct_across` links them, but fills one place
    in each, whatever groups they are in.
    """
    asked = list(obligations)
    people = list(dict.fromkeys(approvals))
    found: dict[int, Tally] = {}
    for linked in _linked(asked):
        places = [place for number in linked for place in _places(number, asked[number])]
        filled = _filled(places, people, groups_of)
        for number in linked:
            found[number] = _tally(number, asked[number], places, filled, people)
    return [found[number] for number in range(len(asked))]


def satisfied(tallies: Iterable[Tally]) -> bool:
    """Whether every obligation is met. Nothing asked is not an approval: that is policy's word."""
    return all(found.done for found in tallies)


def would_count(
    obligations: Sequence[Asked], approvals: Sequence[str], groups_of: Memberships, person: str
) -> bool:
    """Whether an approval by `person` would fill a place now, and none that it could fill opens
    later: given too early it would be lost there, for nobody decides twice. Where everybody would
    be too early (rules that want each other's groups first), whoever fills a place may begin."""
    asked = list(obligations)
    now, later = _gain(asked, approvals, groups_of, groups_of.get(person, _NONE))
    if now == 0 or now == later:
        return now > 0
    waits_for = {group for one in tally(asked, approvals, groups_of) for group in one.waits_for}
    others = (_gain(asked, approvals, groups_of, frozenset({group})) for group in waits_for)
    return not any(0 < other_now == other_later for other_now, other_later in others)


def _gain(
    asked: Sequence[Asked], approvals: Sequence[str], groups_of: Memberships, groups: frozenset[str]
) -> tuple[int, int]:
    """How many places one more person in `groups` would fill: now, and if every turn were open."""
    now = later = 0
    for linked in _linked(asked):
        places = [place for number in linked for place in _places(number, asked[number])]
        able = _able(places, dict.fromkeys(approvals), groups_of)
        before = _match(places, able)
        now += len(_match(places, {**able, "": _fitting(places, groups, before)})) - len(before)
        later += len(_match(places, {**able, "": _fitting(places, groups, None)})) - len(before)
    return now, later


def impossible(
    obligations: Iterable[Asked], eligible_in: Mapping[str, frozenset[str]]
) -> list[Asked]:
    """Obligations that cannot be met, however people decide: too few are eligible.

    `eligible_in` maps a group's name to the ids of its members who may decide.
    """
    asked = list(obligations)
    members: dict[str, frozenset[str]] = {}
    for group, people in eligible_in.items():
        for person in people:
            members[person] = members.get(person, _NONE) | {group}
    found = []
    for linked in _linked(asked):
        places = [place for number in linked for place in _places(number, asked[number])]
        able = {p: _fitting(places, groups, None) for p, groups in sorted(members.items())}
        short = {place.asked for place in places} - _full(places, _match(places, able))
        found += [asked[number] for number in linked if number in short]
    return found


def _places(number: int, asked: Asked) -> list[_Place]:
    """Those with a turn first, then those of one group, then those for anybody."""
    shares = dict(asked.including)
    found = []
    for turn, group in enumerate(asked.sequence, start=1):
        found += [_Place(number, frozenset({group}), turn)] * shares.pop(group, 1)
    for group, share in sorted(shares.items()):
        found += [_Place(number, frozenset({group}), 0)] * share
    anybody = _Place(number, frozenset(asked.groups), 0)
    return found + [anybody] * (asked.count - len(found))


def _linked(asked: Sequence[Asked]) -> list[list[int]]:
    """The obligations, by number, in sets whose people must be distinct."""
    sets: list[list[int]] = []
    for number, one in enumerate(asked):
        mine = [found for found in sets if any(_across(one, asked[other]) for other in found)]
        sets = [found for found in sets if found not in mine]
        sets.append(sorted([number, *(other for found in mine for other in found)]))
    return sets


def _across(one: Asked, other: Asked) -> bool:
    return one.policy == other.policy and (
        other.rule in one.distinct_across or one.rule in other.distinct_across
    )


def _filled(
    places: Sequence[_Place], people: Iterable[str], groups_of: Memberships
) -> dict[int, str]:
    """Which place each person fills."""
    return _match(places, _able(places, people, groups_of))


def _able(
    places: Sequence[_Place], people: Iterable[str], groups_of: Memberships
) -> dict[str, list[int]]:
    """The places each person may fill: person by person, for turns open as places are filled."""
    able: dict[str, list[int]] = {}
    for person in people:
        groups = groups_of.get(person, _NONE)
        able[person] = _fitting(places, groups, _match(places, able))
    return able


def _fitting(
    places: Sequence[_Place], groups: frozenset[str], filled: Mapping[int, str] | None
) -> list[int]:
    """The places somebody in `groups` may fill; with `filled`, only those whose turn it is."""
    return [
        number
        for number, place in enumerate(places)
        if groups & place.groups and (filled is None or _is_open(places, place, filled))
    ]


def _is_open(places: Sequence[_Place], place: _Place, filled: Mapping[int, str]) -> bool:
    return all(
        number in filled
        for number, other in enumerate(places)
        if other.asked == place.asked and 0 < other.turn < place.turn
    )


def _match(places: Sequence[_Place], able: Mapping[str, Sequence[int]]) -> dict[int, str]:
    """As many places as can be filled, earlier ones first (augmenting paths from the places)."""
    filled: dict[int, str] = {}

    def seat(place: int, asked_of: set[str]) -> bool:
        for person, fitting in able.items():
            if place in fitting and person not in asked_of:
                asked_of.add(person)
                held = next((p for p, who in filled.items() if who == person), None)
                if held is None or seat(held, asked_of):
                    filled[place] = person
                    return True
        return False

    for place in range(len(places)):
        seat(place, set())
    return filled


def _full(places: Sequence[_Place], filled: Mapping[int, str]) -> set[int]:
    """The obligations, by number, that have no empty place."""
    empty = {place.asked for number, place in enumerate(places) if number not in filled}
    return {place.asked for place in places} - empty


def _tally(
    number: int,
    asked: Asked,
    places: Sequence[_Place],
    filled: Mapping[int, str],
    people: Sequence[str],
) -> Tally:
    mine = {who for place, who in filled.items() if places[place].asked == number}
    waits_for = {
        group
        for at, place in enumerate(places)
        if place.asked == number and at not in filled and _is_open(places, place, filled)
        for group in place.groups
    }
    return Tally(asked, tuple(p for p in people if p in mine), tuple(sorted(waits_for)))
