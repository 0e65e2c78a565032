from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from approvals.audit.schedules.slots import days_before, last_slot, next_slot

BERLIN = ZoneInfo("Europe/Berlin")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "after", "expected"),
    [
        ("day", "2026-11-25T05:59", "2026-11-25T06:00"),
        ("day", "2026-11-25T06:00", "2026-11-26T06:00"),
        ("day", "2026-11-25T23:30", "2026-11-26T06:00"),  # already the next day in Berlin
        ("week", "2026-11-25T12:00", "2026-11-30T06:00"),
        ("week", "2026-11-30T06:00", "2026-12-07T06:00"),
        ("month", "2026-11-25T12:00", "2026-12-01T06:00"),
        ("month", "2026-12-31T12:00", "2027-01-01T06:00"),
        ("day", "2026-07-01T12:00", "2026-07-02T05:00"),  # summer time
    ],
)
def test_the_next_slot_is_at_the_hour_of_the_zone(every, after, expected):
    assert next_slot(every, 7, BERLIN, at(after)) == at(expected)


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        (2, ["2026-03-28T01:00", "2026-03-29T01:00", "2026-03-30T00:00"]),  # 02:00 is skipped
        (3, ["2026-03-28T02:00", "2026-03-29T01:00", "2026-03-30T01:00"]),
    ],
)
def test_there_is_one_slot_a_day_when_the_clocks_go_forward(hour, expected):
    slot = at("2026-03-27T12:00")
    for one in expected:
        slot = next_slot("day", hour, BERLIN, slot)
        assert slot == at(one)


def test_an_hour_that_comes_twice_has_one_slot():
    first = next_slot("day", 2, BERLIN, at("2026-10-24T12:00"))
    assert first == at("2026-10-25T00:00")
    assert next_slot("day", 2, BERLIN, first) == at("2026-10-26T01:00")


def test_of_slots_that_were_missed_the_last_one_counts():
    first = at("2026-11-01T06:00")
    assert last_slot("day", 7, BERLIN, first, at("2026-11-25T12:00")) == at("2026-11-25T06:00")
    assert last_slot("month", 7, BERLIN, first, at("2026-11-25T12:00")) == first


@pytest.mark.parametrize(
    ("period", "day", "since"),
    [
        ("day", "2026-03-01", "2026-02-28"),
        ("week", "2026-03-02", "2026-02-23"),
        ("month", "2026-03-01", "2026-02-01"),
        ("month", "2026-01-01", "2025-12-01"),
        ("month", "2026-03-31", "2026-02-28"),
        ("month", "2026-11-25", "2026-10-25"),
    ],
)
def test_the_period_ends_the_day_before(period, day, since):
    day = date.fromisoformat(day)
    assert days_before(period, day) == (date.fromisoformat(since), day - timedelta(days=1))


@pytest.mark.parametrize("call", [lambda: next_slot("year", 7, BERLIN, at("2026-01-01T00:00")),
                                  lambda: days_before("year", date(2026, 1, 1))])  # fmt: skip
def test_other_words_are_refused(call):
    with pytest.raises(ValueError, match="year"):
        call()
