"""Finding values in JSON: RFC 6901 with its own examples, and every element."""

import re

import pytest

from approvals.context.pointer import Missing, parse_pointer, value_at

# RFC 6901, section 5.
EXAMPLE = {
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6,
    " ": 7, "m~n": 8,
}  # fmt: skip


def at(document, text):
    return value_at(document, parse_pointer(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", EXAMPLE), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1),
        ("/c%d", 2), ("/e^f", 3), ("/g|h", 4), ("/i\\j", 5), ('/k"l', 6), ("/ ", 7), ("/m~0n", 8),
    ],
)  # fmt: skip
def test_the_examples_of_the_standard(text, value):
    assert at(EXAMPLE, text) == value


@pytest.mark.parametrize("text", ["foo", "/~", "/~2", "x/y", "/a~"])
def test_what_is_no_pointer(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        parse_pointer(text)


@pytest.mark.parametrize("text", ["/nothing", "/foo/2", "/foo/-", "/foo/-1", "/foo/01", "/foo/a/b"])
def test_what_is_not_there(text):
    with pytest.raises(Missing):
        at(EXAMPLE, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("/open/*/title", ["slow", "down"]),
        ("/open/*/teams/*", ["red", "blue", "red"]),
        ("/by_zone/*", [1, 2]),
        ("/none/*", []),
        ("/open/*/nothing", []),
    ],
)
def test_every_element(text, value):
    document = {
        "open": [{"title": "slow", "teams": ["red", "blue"]}, {"title": "down", "teams": ["red"]},
                 {"other": 1}],
        "by_zone": {"a": 1, "b": 2},
        "none": [],
    }  # fmt: skip
    assert at(document, text) == value


def test_every_element_of_what_has_none_is_not_there():
    with pytest.raises(Missing):
        at({"a": 1}, "/a/*")
