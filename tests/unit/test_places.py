"""Places of obligations, against an oracle that tries every seating there is."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.quorum import Asked, impossible, satisfied, tally, would_count

PEOPLE = ["p0", "p1", "p2", "p3"]
GROUPS = ["dba", "leads", "sec"]

memberships = st.dictionaries(
    st.sampled_from(PEOPLE), st.frozensets(st.sampled_from(GROUPS), min_size=1)
)
votes = st.lists(st.sampled_from(PEOPLE), max_size=4, unique=True)


@st.composite
def asked(draw, rule="a", others=()):
    """An obligation as a document may ask it: shares and sequence fit into the count."""
    groups = tuple(draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3, unique=True)))
    count = draw(st.integers(1, 3))
    shares = draw(st.dictionaries(st.sampled_from(groups), st.integers(1, 2), max_size=2))
    sequence = (
        tuple(draw(st.permutations(groups))) if len(groups) > 1 and draw(st.booleans()) else ()
    )
    wanted = sum(shares.values()) + len([one for one in sequence if one not in shares])
    if wanted > count:
        count = wanted
    across = tuple(draw(st.sets(st.sampled_from(others)))) if others else ()
    return Asked("p", rule, count, groups, tuple(sorted(shares.items())), sequence, across)


@st.composite
def obligations(draw):
    """One or two obligations, perhaps linked, perhaps of two policies."""
    first = draw(asked("a", ("b",)))
    second = draw(st.one_of(st.none(), asked("b", ("a",))))
    return [first] if second is None else [first, second]


def places_of(number, one):
    """(obligation, who may sit there, turn) in the order in which they are filled."""
    shares = dict(one.including)
    found = []
    for turn, group in enumerate(one.sequence, start=1):
        found += [(number, {group}, turn)] * shares.get(group, 1)
    for group in sorted(shares.keys() - set(one.sequence)):
        found += [(number, {group}, 0)] * shares[group]
    return found + [(number, set(one.groups), 0)] * (one.count - len(found))


def rows_of(found):
    """Obligations that share one row of people; there are two at most here."""
    linked = len(found) == 2 and (found[0].distinct_across or found[1].distinct_across)
    return [[0, 1]] if linked else [[number] for number in range(len(found))]


def seatings(fitting, places, taken=()):
    """Every way to put people, each once, where they fit; None leaves a place empty."""
    if not places:
        yield ()
        return
    free = [p for p, able in fitting.items() if places[0] in able and p not in taken]
    for person in [None, *free]:
        for rest in seatings(fitting, places[1:], (*taken, person)):
            yield (person, *rest)


def seated(places, fitting):
    """The places of the best seating: more of the earlier ones rather than of the later ones."""
    found = seatings(fitting, range(len(places)))
    best = max(found, key=lambda one: [person is not None for person in one])
    return {at for at, person in enumerate(best) if person is not None}


def is_open(places, place, filled):
    number, _, turn = place
    return all(
        at in filled
        for at, other in enumerate(places)
        if other[0] == number and 0 < other[2] < turn
    )


def played(places, approvals, groups_of, *, early=""):
    """The filled places, vote by vote; `early` is let in before their turn."""
    fitting, filled = {}, set()
    for person in approvals:
        mine = groups_of.get(person, frozenset())
        fitting[person] = {
            at
            for at, place in enumerate(places)
            if place[1] & mine and (person == early or is_open(places, place, filled))
        }
        filled = seated(places, fitting)
    return filled


def oracle(found, approvals, groups_of, *, early=""):
    """How many places of each obligation are filled."""
    given_ = dict.fromkeys(range(len(found)), 0)
    for row in rows_of(found):
        places = [place for number in row for place in places_of(number, found[number])]
        for at in played(places, approvals, groups_of, early=early):
            given_[places[at][0]] += 1
    return list(given_.values())


def counts(found, approvals, groups_of):
    return [one.given for one in tally(found, approvals, groups_of)]


@settings(max_examples=100)
@given(obligations(), votes, memberships)
def test_as_many_places_are_filled_as_the_best_seating_fills(found, approvals, groups_of):
    assert counts(found, approvals, groups_of) == oracle(found, approvals, groups_of)


@settings(max_examples=100)
@given(asked(), votes, memberships)
def test_a_later_group_counts_only_after_the_earlier_ones(one, approvals, groups_of):
    """Done means: people can be put on the places so that nobody sat down before their turn."""
    places = places_of(0, one)
    when = {person: number for number, person in enumerate(approvals)}
    fitting = {
        person: {at for at, place in enumerate(places) if place[1] & groups_of.get(person, set())}
        for person in approvals
    }

    def in_turn(seating):
        return all(
            when[seating[early]] < when[seating[late]]
            for late, place in enumerate(places)
            for early, other in enumerate(places)
            if 0 < other[2] < place[2]
        )

    wanted = any(
        None not in seating and in_turn(seating)
        for seating in seatings(fitting, range(len(places)))
    )
    if wanted:
        assert satisfied(tally([one], approvals, groups_of))
    elif not dict(one.including).keys() - set(one.sequence):
        # Who sat in a place of the sequence may move to a share outside it and let another sit.
        assert not satisfied(tally([one], approvals, groups_of))


@settings(max_examples=100)
@given(obligations(), votes, memberships)
def test_one_vote_more_never_takes_a_place_away(found, approvals, groups_of):
    before = [0] * len(found)
    for number in range(len(approvals) + 1):
        after = counts(found, approvals[:number], groups_of)
        assert all(old <= new for old, new in zip(before, after, strict=True))
        before = after


@settings(max_examples=100)
@given(obligations(), votes, memberships, st.sampled_from(PEOPLE))
def test_who_leaves_takes_the_vote_along(found, approvals, groups_of, gone):
    left = {person: of for person, of in groups_of.items() if person != gone}
    after = tally(found, approvals, left)
    assert all(gone not in one.people for one in after)
    assert after == tally(found, [p for p in approvals if p != gone], groups_of)


@settings(max_examples=60)
@given(obligations(), votes, memberships)
def test_nobody_serves_twice_in_one_row(found, approvals, groups_of):
    tallies = tally(found, approvals, groups_of)
    for row in rows_of(found):
        people = [person for number in row for person in tallies[number].people]
        assert len(people) == len(set(people))
    assert [one.asked for one in tallies] == found


@settings(max_examples=100)
@given(obligations(), memberships)
def test_possible_is_what_some_order_of_everybodys_votes_meets(found, groups_of):
    everybody = {g: frozenset(p for p, of in groups_of.items() if g in of) for g in GROUPS}
    met = any(
        satisfied(tally(found, order, groups_of)) for order in itertools.permutations(groups_of)
    )
    assert (impossible(found, everybody) == []) == met


@settings(max_examples=100)
@given(obligations(), votes, memberships, st.sampled_from(PEOPLE))
def test_a_vote_counts_that_fills_a_place_and_is_not_lost_for_a_later_one(
    found, approvals, groups_of, person
):
    approvals = [one for one in approvals if one != person]  # nobody decides twice
    before = sum(oracle(found, approvals, groups_of))
    now = sum(oracle(found, [*approvals, person], groups_of)) - before
    later = sum(oracle(found, [*approvals, person], groups_of, early=person)) - before
    counted = would_count(found, approvals, groups_of, person)
    if now == 0 or now == later:
        assert counted == (now > 0)
    elif not counted:  # somebody else is in time, from a group that is waited for
        groups = {group for one in tally(found, approvals, groups_of) for group in one.waits_for}
        assert any(
            would_count(found, approvals, {**groups_of, "new": frozenset({group})}, "new")
            for group in groups
        )


def test_rules_that_want_each_others_groups_first_do_not_wait_for_ever():
    found = [
        Asked("p", "a", 2, ("dba", "leads"), (), ("dba", "leads")),
        Asked("p", "b", 2, ("dba", "leads"), (), ("leads", "dba")),
    ]
    groups_of = {
        **{name: frozenset({"dba"}) for name in ("d1", "d2")},
        **{name: frozenset({"leads"}) for name in ("l1", "l2")},
    }
    given = []
    for person in ("d1", "l1", "d2"):
        assert would_count(found, given, groups_of, person)
        given.append(person)
    assert satisfied(tally(found, given, groups_of))


@settings(max_examples=100)
@given(obligations(), votes, memberships, st.sampled_from(GROUPS))
def test_somebody_new_from_a_group_that_is_waited_for_fills_a_place(
    found, approvals, groups_of, group
):
    tallies = tally(found, approvals, groups_of)
    assert satisfied(tallies) == (not any(one.waits_for for one in tallies))
    if any(group in one.waits_for for one in tallies):
        here = {**groups_of, "new": frozenset({group})}
        assert sum(counts(found, [*approvals, "new"], here)) > sum(counts(found, approvals, here))


def test_a_share_outside_the_sequence_holds_no_turn_up():
    one = Asked("p", "a", 3, ("dba", "leads", "sec"), (("sec", 1),), ("dba", "leads"))
    groups_of = {"d": frozenset({"dba"}), "l": frozenset({"leads"}), "s": frozenset({"sec"})}
    (found,) = tally([one], ["d"], groups_of)
    assert found.waits_for == ("leads", "sec")
    for order in (["d", "l", "s"], ["d", "s", "l"], ["s", "d", "l"]):
        assert satisfied(tally([one], order, groups_of))
    assert not satisfied(tally([one], ["l", "d", "s"], groups_of))


def test_rules_linked_through_a_third_share_one_row_of_people():
    first = Asked("p", "a", 1, ("leads",))
    second = Asked("p", "b", 1, ("leads",), distinct_across=("a", "c"))
    third = Asked("p", "c", 1, ("leads",))
    other = Asked("q", "a", 1, ("leads",))
    groups_of = dict.fromkeys(["x", "y", "z"], frozenset({"leads"}))
    assert counts([first, second, third, other], ["x"], groups_of) == [1, 0, 0, 1]
    assert counts([first, third], ["x"], groups_of) == [1, 1]
    assert satisfied(tally([first, second, third, other], ["x", "y", "z"], groups_of))
    two = {"leads": frozenset({"x", "y"})}
    assert impossible([first, second, third, other], two) == [third]
    assert impossible([first, third, other], two) == []
