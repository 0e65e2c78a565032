"""Counting people: properties that hold for any votes, groups and orders."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from approvals.quorum import Asked, impossible, satisfied, tally

PEOPLE = [f"p{n}" for n in range(6)]
GROUPS = ["leads", "security", "dba"]

groups = st.frozensets(st.sampled_from(GROUPS))
memberships = st.dictionaries(st.sampled_from(PEOPLE), groups)
votes = st.lists(st.sampled_from([*PEOPLE, "stranger"]), max_size=12)
asked = st.builds(
    Asked,
    policy=st.just("p"),
    rule=st.sampled_from(["a", "b"]),
    count=st.integers(1, 4),
    groups=st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3, unique=True).map(tuple),
)
many_asked = st.lists(asked, max_size=4)


def counts(obligations, approvals, members):
    return [found.given for found in tally(obligations, approvals, members)]


@given(many_asked, votes, memberships, st.randoms())
def test_the_order_of_the_votes_never_matters(obligations, approvals, members, random):
    shuffled = list(approvals)
    random.shuffle(shuffled)
    assert counts(obligations, approvals, members) == counts(obligations, shuffled, members)


@given(many_asked, votes, memberships)
def test_one_person_counts_once_however_often_and_in_however_many_groups(
    obligations, approvals, members
):
    twice = [*approvals, *approvals]
    assert counts(obligations, twice, members) == counts(obligations, approvals, members)
    for found in tally(obligations, approvals, members):
        assert len(found.people) == len(set(found.people)) <= len(set(approvals))


@given(many_asked, votes, memberships)
def test_done_means_enough_distinct_members_and_nothing_else(obligations, approvals, members):
    for found in tally(obligations, approvals, members):
        entitled = {
            p for p in set(approvals) if members.get(p, frozenset()) & set(found.asked.groups)
        }
        assert set(found.people) <= entitled
        assert found.given == min(len(entitled), found.asked.count)
        assert found.done == (len(entitled) >= found.asked.count)
        assert found.given + found.missing == found.asked.count


@given(many_asked, votes, memberships, st.sampled_from(PEOPLE))
def test_who_leaves_every_group_takes_their_vote_along(obligations, approvals, members, gone):
    left = {person: of for person, of in members.items() if person != gone}
    after = tally(obligations, approvals, left)
    assert all(gone not in found.people for found in after)
    without = [person for person in approvals if person != gone]
    assert after == tally(obligations, without, members)


@given(many_asked, votes, memberships, st.sampled_from(PEOPLE))
def test_one_vote_more_never_undoes_an_approval(obligations, approvals, members, more):
    before = satisfied(tally(obligations, approvals, members))
    assert not before or satisfied(tally(obligations, [*approvals, more], members))


@given(many_asked, asked, votes, memberships)
def test_one_obligation_more_never_loosens(obligations, extra, approvals, members):
    if not satisfied(tally(obligations, approvals, members)):
        assert not satisfied(tally([*obligations, extra], approvals, members))


@given(many_asked, memberships)
def test_impossible_are_those_that_everybody_together_could_not_meet(obligations, members):
    eligible = {g: frozenset(p for p, of in members.items() if g in of) for g in GROUPS}
    everybody = tally(obligations, list(members), members)
    wanted = [found.asked for found in everybody if not found.done]
    assert impossible(obligations, eligible) == wanted


def test_a_group_nobody_knows_makes_it_impossible():
    assert impossible([Asked("p", "a", 1, ("gone",))], {}) != []


def test_every_order_of_the_same_votes_is_done_at_the_same_number():
    obligation = [Asked("p", "a", 2, ("leads", "dba"))]
    members = {"x": frozenset({"leads", "dba"}), "y": frozenset({"dba"}), "z": frozenset()}
    for order in itertools.permutations(["x", "y", "z", "x"]):
        done = [satisfied(tally(obligation, order[:n], members)) for n in range(5)]
        assert done == sorted(done), "once done, done"
        assert done[-1]
        assert not done[1], "two are needed"
