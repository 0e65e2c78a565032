"""iCalendar in and out: what comes back, what other programs write, what is refused, how fast."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policies.freezes.calendar import moment_of, occurrences, wall_of
from policies.freezes.ical import Event, read_events, write_events
from policies.freezes.problems import CalendarError
from tests.freezes import series
from tests.unit.freezes.test_calendar import some_series

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = ("DTSTART:20261201T000000Z", "DTEND:20261202T000000Z")
OLD = ("DTSTART:20170101T000000Z", "DTEND:20170102T000000Z")
MINUTES = [f"202612{d:02}T{h:02}{m:02}00Z" for d in range(1, 29) for h in range(24)
           for m in range(20)]  # fmt: skip


def event(*lines, uid="1"):
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "SUMMARY:Year end", *lines, "END:VEVENT", ""])


def file(*parts):
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(parts)}END:VCALENDAR\r\n"


def many(count, *lines):
    return file(*(event(*lines, uid=str(n)) for n in range(count)))


def read(text, zone="Europe/Lisbon"):
    return read_events(text if isinstance(text, bytes) else text.encode(), zone, NOW)


REASONS = st.text(
    st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=200
)


@settings(max_examples=25)
@given(st.lists(st.tuples(some_series(), REASONS, st.booleans()), max_size=2))
def test_what_is_written_reads_back_the_same(drawn):
    events = []
    for number, (one, reason, skips) in enumerate(drawn):
        assume(one.rule or one.ends_at > NOW)
        periods = occurrences(one, one.starts_at + timedelta(1), one.starts_at + timedelta(90))
        later = [p.starts_at for p in periods][:3] if skips and one.rule else []
        kept = type(one)(one.starts_at, one.ends_at, one.zone, one.rule, frozenset(later))
        events.append(Event(f"{number}@x", reason, kept))
    written = write_events([(e, "Freeze") for e in events], "Freezes", NOW)
    assert read(written) == events


def test_times_without_a_zone_and_whole_days_are_in_the_zone_of_the_form():
    text = file(event("DTSTART;VALUE=DATE:20261224"), event("DTSTART:20261231T180000",
                "DURATION:PT2H", uid="2"))  # fmt: skip
    day, evening = read(text, "America/New_York")
    assert day.series == series("2026-12-24 00:00", "2026-12-25 00:00", "America/New_York")
    assert evening.series == series("2026-12-31 18:00", "2026-12-31 20:00", "America/New_York")


def test_names_that_windows_gives_to_zones_are_known():
    zone = "W. Europe Standard Time"
    (one,) = read(file(event(f"DTSTART;TZID={zone}:20261201T090000",
                             f"DTEND;TZID={zone}:20261201T100000")))  # fmt: skip
    assert one.series.zone == "Europe/Berlin"


def test_a_zone_defined_in_the_file_is_not_believed():
    evil = ("BEGIN:VTIMEZONE\r\nTZID:Europe/Lisbon\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
            "RRULE:FREQ=SECONDLY\r\nTZOFFSETFROM:+1200\r\nTZOFFSETTO:+1200\r\nEND:STANDARD\r\n"
            "END:VTIMEZONE\r\n")  # fmt: skip
    lines = ("DTSTART;TZID=Europe/Lisbon:20261201T090000", "DTEND:20261201T100000Z")
    (one,) = read(file(evil, event(*lines)))
    assert one.series.starts_at == datetime(2026, 12, 1, 9, tzinfo=UTC)


def test_a_moved_period_and_one_that_was_called_off():
    text = file(
        event("DTSTART;TZID=Europe/Lisbon:20261127T180000", "DTEND;TZID=Europe/Lisbon:20261128T0",
              "RRULE:FREQ=WEEKLY").replace("28T0\r\n", "28T000000\r\n"),
        event("RECURRENCE-ID;TZID=Europe/Lisbon:20261204T180000",
              "DTSTART;TZID=Europe/Lisbon:20261205T180000",
              "DTEND;TZID=Europe/Lisbon:20261206T000000"),
        event("RECURRENCE-ID;TZID=Europe/Lisbon:20261211T180000", *DAY, "STATUS:CANCELLED"),
    )  # fmt: skip
    found = sorted(
        wall_of(p.starts_at, "Europe/Lisbon").day
        for one in read(text)
        for p in occurrences(one.series, NOW, NOW + timedelta(days=28))
    )
    assert found == [5, 18, 27]


def test_added_dates_become_periods_of_their_own():
    text = file(event("DTSTART;TZID=Europe/Lisbon:20261201T180000", "DURATION:PT3H",
                      "RDATE;TZID=Europe/Lisbon:20261208T180000,20270105T180000"))  # fmt: skip
    starts = [one.series.starts_at for one in read(text)]
    assert starts == [moment_of(datetime(y, m, d, 18), "Europe/Lisbon")
                      for y, m, d in ((2026, 12, 1), (2026, 12, 8), (2027, 1, 5))]  # fmt: skip


def test_what_is_over_is_left_out():
    assert read(file(event(*OLD))) == []


def test_a_long_title_is_cut_and_lines_are_joined():
    (one,) = read(file(event(*DAY).replace("Year end", "a\\nb" + "x" * 400)))
    assert one.reason.startswith("a bx")
    assert len(one.reason) == 200


HOSTILE = {
    "every second": (file(event(*DAY, "RRULE:FREQ=SECONDLY")), "more often than daily"),
    "every hour by hand": (file(event(*DAY, "RRULE:FREQ=DAILY;BYHOUR=0,1,2,3")), "not supported"),
    "daily, 500 times": (many(500, *DAY, "RRULE:FREQ=DAILY"), "more than 2000 periods"),
    "counting for ever": (many(500, *OLD, "RRULE:FREQ=DAILY;BYMONTH=1;COUNT=1000"), "2000 periods"),
    "a day that never comes": (
        file(event(*DAY, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")), "BYMONTHDAY"),
    "30 February": (file(event(*DAY, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")), "first day"),
    "501 events": (many(501, *DAY), "more than 500 events"),
    "added dates": (file(event(*DAY, "RDATE:" + ",".join(MINUTES))), "more than 500 events"),
    "left out dates": (
        file(event(*DAY, "RRULE:FREQ=DAILY", "EXDATE:" + ",".join(MINUTES))), "more than 500"),
    "nested": ("BEGIN:VCALENDAR\r\n" + "BEGIN:VEVENT\r\n" * 15_000, "too deeply"),
    "huge": ("x" * 262_145, "larger than 256 KiB"),
    "many lines": (file("X:1\r\n" * 30_000), "20000 lines"),
    "NUL": (file(event(*DAY, "X:\0")), "NUL"),
    "not text": (b"\xff\xfe\x00", "UTF-8"),
    "an escape code": (file(event(*DAY).replace("Year end", "a\x1b[2Jb")), "control character"),
    "an unknown zone": (file(event("DTSTART;TZID=Mars/Base:20261201T000000")), "no time zone"),
    "a path as a zone": (
        file(event("DTSTART;TZID=../../etc/passwd:20261201T000000")), "no time zone"),
    "the end of time": (
        file(event("DTSTART:99991231T000000Z", "DTEND:99991231T235959Z")), "two years"),
    "before time": (file(event("DTSTART:00000101T000000Z", DAY[1])), "cannot be read"),
    "an endless duration": (file(event(DAY[0], "DURATION:P99999999999D")), "cannot be read"),
    "a very long duration": (file(event(DAY[0], "DURATION:P900D")), "a year at most"),
    "backwards": (file(event(DAY[0], "DURATION:-P1D")), "end after"),
    "no end": (file(event(DAY[0])), "no DTEND"),
    "no start": (file(event(DAY[1])), "no DTSTART"),
    "a time of day alone": (file(event("DTSTART;VALUE=TIME:120000", DAY[1])), "cannot be read"),
    "two rules": (file(event(*DAY, "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY")), "twice"),
    "two starts": (file(event(DAY[0], *DAY)), "twice"),
    "a broken rule": (file(event(*DAY, "RRULE:FREQ=NOPE")), "cannot be read"),
    "an empty rule": (file(event(*DAY, "RRULE:")), "empty"),
    "no steps": (file(event(*DAY, "RRULE:FREQ=DAILY;INTERVAL=0")), "from 1 to 100"),
    "a giant step": (file(event(*DAY, f"RRULE:FREQ=DAILY;INTERVAL={'9' * 4000}")), "Event"),
    "an old-fashioned exception": (
        file(event(*DAY, "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY")), "EXRULE"),
    "periods as dates": (
        file(event(*DAY, "RDATE;VALUE=PERIOD:20261201T000000Z/PT1H")), "periods"),
    "a change of all later ones": (
        file(event(*DAY, "RECURRENCE-ID;RANGE=THISANDFUTURE:20261201T000000Z")), "RANGE"),
    "the same event twice": (file(event(*DAY), event(*DAY)), "twice"),
    "nothing": ("", "not an iCalendar file"),
    "something else": ("BEGIN:VCARD\r\nEND:VCARD\r\n", "not an iCalendar file"),
    "two files in one": (file(event(*DAY)) * 2, "not an iCalendar file"),
    "cut off": (file(event(*DAY))[:-22], "not an iCalendar file"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_a_sentence(name):
    text, words = HOSTILE[name]
    with pytest.raises(CalendarError, match=words):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        file(event(*DAY, "X" + ";A=B" * 50_000 + ":1")),
        file(event(*DAY, "X:" + "\r\n a" * 50_000)),
        many(100, *OLD, "RRULE:FREQ=YEARLY;COUNT=1000;BYMONTH=1;BYDAY=SU,MO,TU;BYSETPOS=1"),
        file(event(*DAY, "BEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM")),
        "\ufeff" + file(event(*DAY)),
    ],
    ids=["parameters", "folds", "many rules", "an alarm", "a byte order mark"],
)
def test_odd_files_are_read(text):
    assert read(text)
