"""When a window is: on the wall clock, across changes of the clocks, by every rule."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event
from icalendar.prop import vRecur
from recurring_ical_events import of

from policies.freezes.calendar import (
    Series,
    check_series,
    exists,
    moment_of,
    next_boundary,
    occurrences,
    over_at,
    wall_of,
    zone_of,
)
from policies.freezes.problems import CalendarError
from policies.freezes.rules import dates, parse_rule
from tests.freezes import series

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ZONES = ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
RULES = [
    "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;COUNT=5", "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=2TU;INTERVAL=2",
    "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", "FREQ=YEARLY", "FREQ=YEARLY;BYDAY=1MO",
    "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "FREQ=YEARLY;BYMONTH=3,9;BYMONTHDAY=1,15",
    "FREQ=WEEKLY;UNTIL=20280301T000000Z;BYDAY=FR", "FREQ=DAILY;BYMONTH=12",
    "FREQ=MONTHLY;COUNT=4;BYMONTHDAY=31", "FREQ=WEEKLY;COUNT=7;INTERVAL=2;BYDAY=TU,TH",
]  # fmt: skip


def walls(given_series, since, until):
    """Beginnings and ends as the clock of the series' zone shows them."""
    return [
        (f"{wall_of(p.starts_at, given_series.zone)}", f"{wall_of(p.ends_at, given_series.zone)}")
        for p in occurrences(given_series, since, until)
    ]


@pytest.mark.parametrize(
    ("zone", "first", "day_before", "day_after"),
    [
        # Summer time ends on 25 October 2026 in Lisbon, on 1 November in New York, and begins on
        # 4 October on Lord Howe Island, there by half an hour.
        ("Europe/Lisbon", "2026-10-16", "2026-10-23", "2026-10-30"),
        ("America/New_York", "2026-10-23", "2026-10-30", "2026-11-06"),
        ("Australia/Lord_Howe", "2026-09-25", "2026-10-02", "2026-10-09"),
    ],
)
def test_a_weekly_freeze_keeps_its_time_on_the_wall(zone, first, day_before, day_after):
    weekly = series(f"{first} 18:00", f"{first} 22:30", zone, "FREQ=WEEKLY")
    found = list(islice(occurrences(weekly, weekly.starts_at, NOW + timedelta(60)), 3))
    assert [f"{wall_of(p.starts_at, zone):%Y-%m-%d %H:%M}" for p in found] == [
        f"{day} 18:00" for day in (first, day_before, day_after)
    ]
    assert {f"{wall_of(p.ends_at, zone):%H:%M}" for p in found} == {"22:30"}
    gaps = {found[1].starts_at - found[0].starts_at, found[2].starts_at - found[1].starts_at}
    shift = timedelta(minutes=30) if zone == "Australia/Lord_Howe" else timedelta(hours=1)
    assert max(gaps) - min(gaps) == shift


def test_a_weekend_across_the_change_lasts_an_hour_more_or_less():
    weekend = series("2026-10-16 18:00", "2026-10-19 08:00", "Europe/Lisbon", "FREQ=WEEKLY")
    first, second = islice(occurrences(weekend, weekend.starts_at, NOW), 2)
    assert first.ends_at - first.starts_at == timedelta(hours=62)
    assert second.ends_at - second.starts_at == timedelta(hours=63)


def test_a_time_that_the_change_leaves_out_is_read_with_the_offset_before_it():
    daily = series("2026-03-28 01:30", "2026-03-28 01:45", "Europe/Lisbon", "FREQ=DAILY")
    found = walls(daily, datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC))
    assert found == [("2026-03-29 02:30:00", "2026-03-29 02:45:00")]
    assert not exists(datetime(2026, 3, 29, 1, 30), "Europe/Lisbon")
    assert exists(datetime(2026, 3, 28, 1, 30), "Europe/Lisbon")


def test_a_period_never_ends_before_it_begins_when_the_clocks_change_inside_it():
    daily = series("2026-03-28 01:30", "2026-03-28 02:15", "Europe/Lisbon", "FREQ=DAILY")
    across = list(islice(occurrences(daily, daily.starts_at, NOW), 2))[1]
    assert across.ends_at - across.starts_at == timedelta(minutes=45)


def test_a_time_given_twice_is_the_first_of_the_two():
    assert moment_of(datetime(2026, 10, 25, 1, 30), "Europe/Lisbon") == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


def test_an_excluded_period_is_left_out_alone():
    skipped = moment_of(datetime(2026, 12, 4, 18), "Europe/Lisbon")
    weekly = series("2026-11-27 18:00", "2026-11-28 18:00", "Europe/Lisbon", "FREQ=WEEKLY",
                    [skipped])  # fmt: skip
    days = [p.starts_at.day for p in islice(occurrences(weekly, NOW, NOW + timedelta(30)), 3)]
    assert days == [27, 11, 18]


def test_a_period_that_began_long_ago_is_still_found():
    year = series("2026-01-01 00:00", "2026-12-31 00:00", "Europe/Lisbon")
    assert [p.starts_at for p in occurrences(year, NOW, NOW + timedelta(days=1))] == [
        year.starts_at
    ]


@pytest.mark.parametrize(
    ("field", "words", "starts", "ends", "zone", "rule"),
    [
        ("ends", "end after", "2026-12-01 10:00", "2026-12-01 10:00", "UTC", ""),
        ("ends", "a year at most", "2026-12-01 10:00", "2028-01-01 10:00", "UTC", ""),
        ("starts", "ten", "2009-12-01 10:00", "2009-12-02 10:00", "UTC", ""),
        ("starts", "two years", "2031-12-01 10:00", "2031-12-02 10:00", "UTC", ""),
        ("rule", "days the rule names", "2026-12-01 10:00", "2026-12-01 11:00", "UTC",
         "FREQ=WEEKLY;BYDAY=FR"),
        ("rule", "more often than daily", "2026-12-01 10:00", "2026-12-01 11:00", "UTC",
         "FREQ=SECONDLY"),
        ("rule", "not supported", "2026-12-01 10:00", "2026-12-01 11:00", "UTC",
         "FREQ=DAILY;BYHOUR=1,2"),
        ("rule", "from 1 to 100", "2026-12-01 10:00", "2026-12-01 11:00", "UTC",
         "FREQ=DAILY;INTERVAL=0"),
        ("rule", "not both", "2026-12-01 10:00", "2026-12-01 11:00", "UTC",
         "FREQ=DAILY;COUNT=1;UNTIL=20270101"),
        ("rule", "twice", "2026-12-01 10:00", "2026-12-01 11:00", "UTC", "FREQ=DAILY;FREQ=DAILY"),
        ("rule", "UNTIL reads", "2026-12-01 10:00", "2026-12-01 11:00", "UTC",
         "FREQ=DAILY;UNTIL=20261399"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_with_the_field_and_a_sentence(
    field, words, starts, ends, zone, rule
):
    kept = series("2026-12-01 10:00", "2026-12-01 11:00")
    assert check_series(kept, NOW) == kept
    with pytest.raises(CalendarError, match=words) as refusal:
        check_series(series(starts, ends, zone, rule), NOW)
    assert refusal.value.field == field


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(CalendarError, match="no time zone"):
        zone_of("Mars/Olympus")
    with pytest.raises(CalendarError, match="no time zone"):
        zone_of("../../etc/passwd")


@st.composite
def some_series(draw):
    """A series that begins on one of its rule's days."""
    zone = draw(st.sampled_from(ZONES))
    day = draw(st.dates(date(2026, 1, 1), date(2027, 6, 30)))
    clock = time(draw(st.integers(0, 23)), draw(st.sampled_from([0, 15, 30, 45])))
    length = timedelta(minutes=draw(st.integers(1, 6000)))
    rule = draw(st.sampled_from(["", *RULES]))
    first = next(d for d in (day + timedelta(n) for n in range(500)) if begins(rule, d))
    wall = datetime.combine(first, clock)
    assume(exists(wall, zone) and exists(wall + length, zone))
    found = Series(moment_of(wall, zone), moment_of(wall + length, zone), zone, rule)
    assume(found.ends_at > found.starts_at)
    return check_series(found, NOW)


def begins(rule, day):
    """Whether `day` is one of the rule's days, were it the first."""
    return not rule or any(dates(replace(parse_rule(rule), count=None), day, day, day))


@settings(max_examples=40)
@given(some_series())
def test_a_window_always_contains_its_own_start_and_never_its_end(one):
    first = next(occurrences(one, one.starts_at, one.starts_at + timedelta(1)))
    assert (first.starts_at, first.ends_at) == (one.starts_at, one.ends_at)
    for period in islice(occurrences(one, one.starts_at, one.starts_at + timedelta(400)), 30):
        assert period.starts_at in period
        assert period.ends_at not in period


@settings(max_examples=40)
@given(some_series(), st.integers(0, 500))
def test_looking_from_later_on_finds_the_same_periods(one, days):
    since = one.starts_at + timedelta(days=days, hours=5)
    until = since + timedelta(days=40)
    whole = occurrences(one, one.starts_at, until)
    assert list(occurrences(one, since, until)) == [p for p in whole if p.ends_at > since]


@settings(max_examples=40)
@given(some_series())
def test_nothing_happens_between_a_moment_and_the_next_boundary(one):
    after = one.starts_at - timedelta(hours=1)
    for _ in range(4):
        boundary = next_boundary(one, after)
        if boundary is None:
            break
        assert boundary > after
        inside = [any(m in p for p in occurrences(one, after, boundary + timedelta(1)))
                  for m in (after, after + (boundary - after) / 2)]  # fmt: skip
        assert inside[0] == inside[1]
        after = boundary


@settings(max_examples=40)
@given(some_series())
def test_after_it_is_over_there_is_no_period_any_more(one):
    over = over_at(one)
    if over is not None:
        assert list(occurrences(one, over, over + timedelta(days=730))) == []


@settings(max_examples=40)
@given(some_series())
def test_rules_mean_what_another_implementation_says(one):
    """Days only: at the hours that a change of the clocks leaves out, that one differs."""
    event = Event()
    zone = zone_of(one.zone)
    event.add("uid", "1")
    event.add("dtstart", one.starts_at.astimezone(zone))
    event.add("dtend", one.ends_at.astimezone(zone))
    if one.rule:
        event.add("rrule", vRecur.from_ical(one.rule))
    file = Calendar()
    file.add_component(event)
    until = one.starts_at + timedelta(days=450)
    theirs = [
        e["DTSTART"].dt.astimezone(zone).date() for e in of(file).between(one.starts_at, until)
    ]
    ours = [wall_of(p.starts_at, one.zone).date() for p in occurrences(one, one.starts_at, until)]
    assert ours == sorted(theirs)
