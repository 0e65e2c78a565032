"""Named queries as people write them down: what else is asked about each, and what is refused."""

import re

import pytest

from approvals.context.promql import named_queries, not_older


def test_a_line_names_a_query_and_what_else_is_asked_about_it():
    text = 'metric.a = up\n\n metric.b (before 1h, max 90s)=sum(x{a="="}) # why \n'
    assert named_queries(text) == {
        "metric.a": "up",
        "metric.b": 'sum(x{a="="}) # why',
        "metric.b_before": 'last_over_time((sum(x{a="="}) # why\n)[60s:60s] offset 3600s)',
        "metric.b_max": 'max_over_time((sum(x{a="="}) # why\n)[90s:1s])',
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("load = up", "is no name"),
        ("flag.load = up", "is no name"),
        ("metric.Load = up", "is no name"),
        (f"metric.{'a' * 45} (before 1h) = up", "is no name"),
        ("metric.load up", "Line 1: write it like"),
        ("metric.a = up\n\nmetric.load =", "Line 3: write it like"),
        ("metric.a (before) = up", "“before” is none of"),
        ("metric.a (before 1y) = up", "is none of"),
        ("metric.a (max 40w) = up", "is none of"),
        ("metric.a () = up", "is none of"),
        ("metric.a (max 1h) = up\nmetric.a_max = up", "Line 2: metric.a_max stands there twice"),
        ("metric.a (max 1h, max 2h) = up", "stands there twice"),
        ("\n".join(f"metric.a{n} = up" for n in range(21)), "at most 20"),
        ("\n", "at least one"),
        ('metric.a = up{env="{environment}"}', "without quotation marks"),
        ("metric.a = up{env=~{environment}}", "only behind = or !="),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_line(text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        named_queries(text)


@pytest.mark.parametrize(
    "query", ["up", "job:errors:rate5m", 'up{a="b}"}', "up{a='}',b=\"c\"}", "up{a=`\\`}"]
)
def test_a_metric_by_its_name_says_when_it_was_seen(query):
    assert not_older(query, 60) == f"{query} and (timestamp({query}) >= time() - 60)"


@pytest.mark.parametrize("query", ["sum(up)", "up / 2", "up[5m]", "up offset 1h", "1", "up{} # x"])
def test_what_is_computed_is_asked_as_it_is(query):
    assert not_older(query, 60) == query
