"""Values of a request in a query: where they may stand, and that none of them changes it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from approvals.context.places import check_places, filled, has_places

VALUES = {"environment": "production", "project": "shop", "commit": ""}
# How Prometheus' own lexer reads a text between double quotation marks.
TEXT = re.compile(r'"(?:[^"\\\n]|\\["\\n])*"')


@pytest.mark.parametrize(
    ("query", "made"),
    [
        ("up{env={environment}}", 'up{env="production"}'),
        ("up{env={environment},job!= {project}}", 'up{env="production",job!= "shop"}'),
        ('up{a="b{c}",env={environment}}', 'up{a="b{c}",env="production"}'),
        ("up{a='\\'{',env={environment}}", "up{a='\\'{',env=\"production\"}"),
        ("up{a=`\\`,env={environment}}", 'up{a=`\\`,env="production"}'),
        ("up{} # it's", "up{} # it's"),
        ("rate(up[5m])", "rate(up[5m])"),
    ],
)
def test_a_place_becomes_a_quoted_text(query, made):
    check_places(query)
    assert filled(query, VALUES) == made


def test_without_a_value_there_is_no_query():
    assert filled("up{commit={commit}}", VALUES) == ""


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('up{env="{environment}"}', "write {environment} without quotation marks"),
        ("up{env='x{project}'}", "write {project} without quotation marks"),
        ("up{env=`{commit}`}", "write {commit} without quotation marks"),
        ("up{env=~{environment}}", "only behind = or !="),
        ("{environment}", "only behind = or !="),
        ("up{env={stage}}", "there is no {stage}; known: {environment}, {project}, {commit}"),
        ('up{env="b={environment}', 'a text that begins with " does not end'),
        ("up{env='a\\'={environment}", "a text that begins with ' does not end"),
    ],
)
def test_a_place_that_a_value_could_break_out_of_is_refused(query, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_places(query)


@given(some.text(min_size=1))
def test_no_value_ends_the_text_it_stands_in(value):
    query = filled("up{env={environment}}", {"environment": value})
    assert TEXT.fullmatch(query.removeprefix("up{env=").removesuffix("}"))


def test_a_query_says_whether_it_is_about_a_request():
    assert has_places("up{env={environment}}")
    assert not has_places('up{env="{stage}"}')
