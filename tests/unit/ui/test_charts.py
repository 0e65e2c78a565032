"""Lines drawn by the server: inside their box, true to the numbers, with words for the eyeless."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.templatetags.charts import HEIGHT, WIDTH, Series, draw, number_words, sentence, spark

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def series(*values, marks=(), label="Error rate"):
    points = tuple((AT + timedelta(minutes=n), value) for n, value in enumerate(values))
    return Series(label, points, tuple(AT + timedelta(minutes=n) for n in marks))


@given(st.lists(st.tuples(st.floats(0, 2e9), NUMBERS), min_size=2, max_size=30))
def test_every_line_stays_inside_its_box(points):
    drawing = draw(points, [at for at, _value in points])
    if drawing is None:
        assert len({at for at, _value in points}) < 2
        return
    places = re.findall(r"[ML]([\d.e-]+) ([\d.e-]+)", drawing.path)
    assert len(places) == len(points)
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in places)
    assert all(0 <= x <= WIDTH for x in drawing.marks)


def test_a_rise_goes_up_and_a_level_line_stands_in_the_middle():
    rise = draw([(0, 1), (10, 3), (5, 2)])
    assert rise.path == "M3 21L60 12L117 3"
    assert rise.end == (117.0, 3.0)
    assert draw([(0, 7), (10, 7)]).path == "M3 12L117 12"


def test_one_moment_is_no_line_and_marks_outside_are_left_out():
    assert draw([]) is draw([(1, 2), (1, 3)]) is None
    assert draw([(0, 1), (10, 1)], [-1, 5, 11]).marks == (60.0,)
    assert spark(None) == spark(series(1.0)) == ""


def test_the_picture_says_what_it_shows():
    shown = spark(series(0.002, 0.01, 0.0062, marks=[1]))
    said = "Error rate: 0.0062 now, between 0.002 and 0.01 in 2 min; 1 action marked"
    assert f"<title>{said}</title>" in shown
    assert "min 0.002 · max 0.01 in 2 min" in shown
    assert "style=" not in shown


def test_a_label_from_outside_is_text_with_nothing_hidden():
    shown = spark(series(1.0, 2.0, label="<b>\u202ex"))
    assert "&lt;b&gt;⟨U+202E⟩x: 2 now" in shown


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.01234567, "0.01235"), (41.0, "41"), (1234567.8, "1,234,568"), (-20000.0, "-20,000")],
)
def test_numbers_read_as_people_write_them(value, words):
    assert number_words(value) == words


def test_the_sentence_leaves_out_marks_where_there_are_none():
    assert sentence(series(1.0, 1.0)).endswith("between 1 and 1 in 1 min")
