"""Globs match whole names, and their time does not depend on the pattern."""

import time

import pytest

from policies.language.globs import glob_problem, match_glob


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*", "shop"),
        ("**", "shop"),
        ("**", "a/b/c"),
        ("shop/**", "shop/api"),
        ("shop/**", "shop/api/v1"),
        ("**/*.sql", "one.sql"),
        ("**/*.sql", "db/migrations/one.sql"),
        ("a/**/z", "a/z"),
        ("a/**/z", "a/b/c/z"),
        ("a/**/b/*/c", "a/b/x/b/y/c"),
        ("db-?", "db-1"),
        ("*a*b*", "xaxbx"),
        ("a.b", "a.b"),
        ("*", "with\nnewline"),
    ],
)
def test_a_pattern_matches(pattern, text):
    assert match_glob(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*", "a/b"),
        ("shop/**", "shop"),
        ("shop/**", "shopping/api"),
        ("shop", "shop/api"),
        ("shop", "Shop"),
        ("shop", "shop\n"),
        ("a.b", "axb"),
        ("db-?", "db-"),
        ("db-?", "db-12"),
        ("**/*.sql", "one.sql/x"),
        ("a/**/z", "a/z/y"),
        ("*ab", "aab/"),
    ],
)
def test_a_pattern_does_not_match(pattern, text):
    assert not match_glob(pattern, text)


@pytest.mark.parametrize("pattern", ["", "a**", "**b/c", "[ab]", "{a,b}", "!a", "a\\*", "x" * 201])
def test_what_is_no_pattern_is_named(pattern):
    assert glob_problem(pattern)
    with pytest.raises(ValueError, match=r"pattern|\*\*"):
        match_glob(pattern, "a")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 90, "a" * 5_000 + "b"),
        ("**/" + "a/" * 95 + "b", "/".join(["a"] * 130_000)),
        ("/".join(["**", "a"] * 40), "/".join(["a"] * 2_000) + "/b"),
        ("/".join(["**", "*a*a*a"] * 15), "/".join(["aaaa"] * 800) + "/b"),
    ],
)
def test_no_pattern_takes_long(pattern, text):
    begin = time.process_time()
    assert not match_glob(pattern, text)
    assert time.process_time() - begin < 0.5
