from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone

from portal.templatetags import ui
from portal.templatetags.times import clock_words, duration_words

NOW = datetime(2026, 11, 23, 10, 41, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def still_clock(monkeypatch):
    monkeypatch.setattr(ui, "current_time", lambda: NOW)


def render(text, **context):
    return Template("{% load ui %}" + text).render(Context(context))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (6480, "1 h 48"),
        (86399, "23 h 59"),
        (86400, "1 d"),
        (273600, "3 d 4 h"),
    ],
)
def test_durations_are_short_words(seconds, words):
    assert duration_words(seconds) == words


def test_today_shows_the_clock_and_other_days_the_date():
    assert clock_words(NOW - timedelta(hours=3), NOW) == "07:41"
    assert clock_words(NOW - timedelta(days=2), NOW) == "21 Nov 10:41"
    assert clock_words(NOW - timedelta(days=400), NOW) == "19 Oct 2025 10:41"


def test_a_time_is_in_the_readers_zone_with_utc_on_hover():
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        html = render("{% time t %}", t=NOW)
    assert ">19:41</time>" in html
    assert 'title="2026-11-23 10:41:07 UTC"' in html
    assert 'datetime="2026-11-23T10:41:07Z"' in html


def test_a_moment_in_another_zone_is_still_written_as_utc():
    html = render("{% time t %}", t=NOW.astimezone(ZoneInfo("Asia/Tokyo")))
    assert 'datetime="2026-11-23T10:41:07Z"' in html


def test_an_age_is_relative_under_one_hour_only():
    assert ">46 min ago</time>" in render("{% age t %}", t=NOW - timedelta(minutes=46))
    assert ">09:11</time>" in render("{% age t %}", t=NOW - timedelta(minutes=90))


def test_an_age_in_a_sentence_stays_relative_and_tells_the_script_its_form():
    html = render("{% age t 'waiting {}' %}", t=NOW - timedelta(minutes=90))
    assert ">waiting 1 h 30</time>" in html
    assert 'data-form="waiting {}"' in html


def test_time_left_says_when_it_is_over():
    assert ">4 min left</time>" in render("{% left t %}", t=NOW + timedelta(seconds=250))
    assert ">time is over</time>" in render("{% left t %}", t=NOW)


def test_no_time_is_never_an_error():
    assert render("{% time t %}{% age t %}", t=None) == "––"
