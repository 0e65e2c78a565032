"""When an entry cannot be as old as it says."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.ledger.entry_times import CLOCK_STEP, EntryTimes

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = NOON - CLOCK_STEP - timedelta(seconds=1)


def xid(number):
    return number.to_bytes(8, "big")


@pytest.fixture
def times():
    """An entry of noon under a checkpoint, while the transactions 5 and 7 were open."""
    found = EntryTimes()
    assert not found.is_older(NOON, xid(4))
    found.checkpoint(NOON + timedelta(minutes=1), "5:9:5,7", "here")
    return found


@pytest.mark.parametrize(
    ("at", "number", "older"),
    [
        (BEFORE, 9, True),  # began after the checkpoint
        (BEFORE, 6, True),  # was over before it, and was not sealed then
        (BEFORE, 57, True),
        (BEFORE, 5, False),  # was open: it committed late
        (BEFORE, 7, False),
        (NOON - CLOCK_STEP, 9, False),  # a clock that was set back
        (NOON, 9, False),
    ],
)
def test_only_a_transaction_that_was_open_can_bring_an_older_entry(times, at, number, older):
    assert times.is_older(at, xid(number)) is older


def test_an_entry_from_the_future_does_not_make_the_next_ones_too_old(times):
    times.is_older(NOON + timedelta(days=365), xid(10))
    times.checkpoint(NOON + timedelta(hours=1), "12:12:", "here")
    assert not times.is_older(NOON + timedelta(hours=1), xid(12))
    assert times.is_older(NOON, xid(12))


@pytest.mark.parametrize(
    ("number", "cluster", "there"),
    [(8, "here", True), (4, "here", True), (7, "here", False), (9, "here", False),
     (8, "elsewhere", False)],
)  # fmt: skip
def test_what_a_checkpoint_passed_over_was_there(times, number, cluster, there):
    assert times.was_there(xid(number), cluster) is there


@pytest.mark.parametrize("snapshot", ["", "x", "1:2", "1:x:", "::", "a:b:c:d"])
def test_a_snapshot_that_is_none_excuses_nothing_and_breaks_nothing(times, snapshot):
    times.checkpoint(NOON, snapshot, "here")
    assert times.is_older(BEFORE, xid(5))
    assert not times.was_there(xid(1), "here")
