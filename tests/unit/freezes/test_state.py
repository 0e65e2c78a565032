"""What the calendar says about one target: in force, coming, lifted, unknown."""

from datetime import UTC, datetime, timedelta

import pytest

from policies.freezes.state import (
    FAR_S,
    Calendar,
    Exemption,
    Silence,
    Window,
    business_hours,
    freeze_state,
)
from tests.freezes import series

NOW = datetime(2026, 12, 22, 12, tzinfo=UTC)  # a Tuesday
DAY_S = 86_400


def freeze(starts, ends, reason="Year end", level="project", rule=""):
    return Window("freeze", level, reason, series(starts, ends, rule=rule))


def hours(starts, ends, level="project"):
    return Window("business_hours", level, "Office", series(starts, ends, rule="FREQ=DAILY"))


RUNS = freeze("2026-12-22 00:00", "2026-12-24 12:00")
COMES = freeze("2026-12-31 12:00", "2027-01-02 12:00", "New year")


def test_without_windows_nothing_is_in_force_and_nothing_comes():
    state = freeze_state(Calendar(), NOW)
    assert (state.in_force, state.reason, state.ends_s) == (False, "", 0)
    assert (state.next_s, state.next_reason) == (FAR_S, "")


def test_a_freeze_that_runs_says_why_and_until_when():
    state = freeze_state(Calendar([RUNS, COMES]), NOW)
    assert (state.in_force, state.reason, state.ends_s) == (True, "Year end", 2 * DAY_S)
    assert (state.next_s, state.next_reason) == (9 * DAY_S, "New year")


def test_no_coming_freeze_is_the_largest_number_so_that_soon_is_never_misread():
    state = freeze_state(Calendar([RUNS]), NOW)
    assert state.next_s == FAR_S == 63_072_000
    assert freeze_state(Calendar([COMES]), NOW).next_s < FAR_S


def test_the_moment_it_begins_is_in_and_the_moment_it_ends_is_out():
    starts, ends = RUNS.series.starts_at, RUNS.series.ends_at
    assert freeze_state(Calendar([RUNS]), starts).in_force
    assert not freeze_state(Calendar([RUNS]), ends).in_force
    assert freeze_state(Calendar([RUNS]), starts - timedelta(microseconds=1)).next_s == 1


def test_freezes_that_touch_or_overlap_end_together():
    chained = [
        RUNS,
        freeze("2026-12-24 12:00", "2026-12-26 12:00", "Christmas"),
        freeze("2026-12-25 00:00", "2026-12-25 06:00", "Inside"),
    ]
    state = freeze_state(Calendar(chained), NOW)
    assert state.ends_s == 4 * DAY_S
    assert state.reason == "Year end"
    assert (state.next_s, state.next_reason) == (2 * DAY_S, "Christmas")


def test_two_freezes_at_once_give_both_reasons():
    both = [RUNS, freeze("2026-12-22 11:00", "2026-12-22 13:00", "Database move")]
    assert freeze_state(Calendar(both), NOW).reason == "Year end; Database move"


def test_an_exception_lifts_a_freeze_of_the_project_until_it_ends():
    exemption = Exemption("INC-1", NOW + timedelta(hours=2), lifts_organisation=False)
    state = freeze_state(Calendar([RUNS], [exemption]), NOW)
    assert (state.in_force, state.exception) == (False, "INC-1")
    assert (state.next_s, state.next_reason) == (7_200, "Year end")
    assert freeze_state(Calendar([RUNS]), NOW).in_force


@pytest.mark.parametrize(("lifts", "in_force"), [(False, True), (True, False)])
def test_only_an_administrators_exception_lifts_a_freeze_of_the_organisation(lifts, in_force):
    everywhere = freeze("2026-12-22 00:00", "2026-12-24 12:00", level="organisation")
    exemption = Exemption("INC-1", NOW + timedelta(days=9), lifts_organisation=lifts)
    assert freeze_state(Calendar([everywhere], [exemption]), NOW).in_force is in_force


def test_an_exception_names_itself_only_while_it_lifts_something():
    exemption = Exemption("INC-1", NOW + timedelta(hours=2), lifts_organisation=False)
    assert freeze_state(Calendar([COMES], [exemption]), NOW).exception == ""


SILENT = Silence("freeze", "project", "the calendar “x” could not be read")


def test_a_silent_calendar_makes_the_absence_of_a_freeze_unknown():
    state = freeze_state(Calendar([COMES], silences=[SILENT]), NOW)
    assert (state.in_force, state.next_s, state.unknown) == (None, None, SILENT.reason)


def test_a_silent_calendar_does_not_make_a_certain_freeze_uncertain():
    state = freeze_state(Calendar([RUNS], silences=[SILENT]), NOW)
    assert (state.in_force, state.reason, state.next_s) == (True, "Year end", None)


def test_an_exception_makes_a_silent_calendar_of_the_project_irrelevant():
    exemption = Exemption("INC-1", NOW + timedelta(hours=2), lifts_organisation=False)
    assert freeze_state(Calendar([], [exemption], [SILENT]), NOW).in_force is False
    wider = Silence("freeze", "organisation", "not read")
    assert freeze_state(Calendar([], [exemption], [wider]), NOW).in_force is None


def test_more_windows_than_can_be_looked_at_are_unknown():
    assert freeze_state(Calendar([COMES], too_many=True), NOW).in_force is None


def test_business_hours_are_unknown_where_none_are_defined():
    assert business_hours(Calendar([RUNS]), NOW) == (
        None,
        "no business hours are defined for this environment",
    )


@pytest.mark.parametrize(
    ("windows", "is_open"),
    [
        ([hours("2026-12-01 09:00", "2026-12-01 18:00")], True),
        ([hours("2026-12-01 13:00", "2026-12-01 18:00")], False),
        ([hours("2026-12-01 09:00", "2026-12-01 11:00"),
          hours("2026-12-01 11:30", "2026-12-01 18:00")], True),
        ([hours("2026-12-01 09:00", "2026-12-01 18:00", "organisation"),
          hours("2026-12-01 14:00", "2026-12-01 18:00")], False),
        ([hours("2026-12-01 14:00", "2026-12-01 18:00", "organisation"),
          hours("2026-12-01 00:00", "2026-12-01 23:59")], False),
    ],
)  # fmt: skip
def test_a_project_can_narrow_the_business_hours_of_the_organisation_and_never_widen(
    windows, is_open
):
    assert business_hours(Calendar(windows), NOW)[0] is is_open


def test_a_silent_calendar_of_business_hours_makes_them_unknown():
    silent = Silence("business_hours", "organisation", "not read")
    open_hours = hours("2026-12-01 09:00", "2026-12-01 18:00")
    assert business_hours(Calendar([open_hours], silences=[silent]), NOW) == (None, "not read")
    assert freeze_state(Calendar([open_hours], silences=[silent]), NOW).in_force is False
