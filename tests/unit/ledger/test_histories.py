"""Entries of a request that do not follow each other are told."""

import json

import pytest

from portal.ledger import histories
from portal.ledger.chain import leaf_hash
from portal.ledger.histories import Histories


def history(request, count):
    """(said, payload) of entries that follow each other."""
    prev, made = None, []
    for seq in range(1, count + 1):
        said = {"request": request, "seq": seq, "prev": prev}
        payload = json.dumps(said).encode()
        prev = leaf_hash(payload).hex()
        made.append((said, payload))
    return made


@pytest.fixture
def told():
    """Whether each of some entries follows; ids count from 1, and the ledger holds what came."""

    def ask(entries, known=True):
        came = []

        def before(request, entry):
            payloads = [
                payload for said, payload in came[: entry - 1] if said["request"] == request
            ]
            return payloads[::-1] if known else []

        found = Histories(before)
        answers = []
        for number, (said, payload) in enumerate(entries, start=1):
            answers.append(found.follows(number, said, payload))
            came.append((said, payload))
        return answers

    return ask


def test_histories_that_are_whole_follow(told):
    a, b = history("a", 3), history("b", 3)
    assert all(told([a[0], b[0], b[1], a[1], a[2], b[2]]))


@pytest.mark.parametrize("out", [0, 1])
def test_an_entry_that_was_taken_out_is_told_where_the_next_one_stands(told, out):
    made = history("a", 4)
    del made[out]
    assert told(made) == [index != out for index in range(3)]


def test_an_entry_that_was_changed_is_told_where_the_next_one_stands(told):
    made = history("a", 3)
    said, payload = made[1]
    made[1] = (said, payload + b" ")
    assert told(made) == [True, True, False]


def test_two_entries_that_changed_places_are_told(told):
    made = history("a", 4)
    made[1], made[2] = made[2], made[1]
    assert told(made) == [True, False, False, False]


def test_what_is_of_no_history_follows(told):
    other = ({"request": "a"}, b"{}")
    none = ({"request": None, "seq": 7}, b"{}")
    made = history("a", 2)
    assert all(told([made[0], other, none, made[1]]))


def test_more_requests_than_are_held_are_read_again(told, monkeypatch):
    monkeypatch.setattr(histories, "MOST_HELD", 2)
    many = [history(str(number), 2) for number in range(5)]
    entries = [made[seq] for seq in (0, 1) for made in many]
    assert all(told(entries))
    assert told(entries, known=False) == [True] * 5 + [False] * 5


def test_where_entries_are_missing_anyway_the_unknown_is_no_finding():
    found = Histories(lambda request, entry: [])
    found.gaps = True
    made = history("a", 4)
    assert [found.follows(7, *made[index]) for index in (1, 2)] == [True, True]
    assert not found.follows(9, made[1][0], made[1][1])
