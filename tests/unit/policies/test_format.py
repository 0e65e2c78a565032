"""Formatting keeps comments and meaning, and leaves alone what it cannot improve safely."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.language.format import format_document
from policies.language.nodes import Mapping, Scalar, Sequence, read_yaml
from policies.language.problems import PolicyError
from tests.unit.policies.test_docs import EXAMPLE

WILD = """\


policy:  shop   \r
# what it is for
define:
    prod: request.tier == 'production'   # because
    long: |
        git.signed &&
          git.exists
        # not a comment



rules:
# the first
-   id: one
    when: "prod
      && long"
    require: {count: 1,
      from: [leads]}\x20\x20
-
    # the second
    id: two
# the end"""
TAME = """\
policy:  shop
# what it is for
define:
  prod: request.tier == 'production'   # because
  long: |
      git.signed &&
        git.exists
      # not a comment

rules:
  # the first
  - id: one
    when: "prod
      && long"
    require: {count: 1,
      from: [leads]}
  -
    # the second
    id: two
# the end
"""


def plain(node):
    """The document as bare values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    assert isinstance(node, Mapping)
    return {key.value: plain(value) for key, value in node.entries}


def test_indentation_blank_lines_and_line_ends_are_put_right():
    assert format_document(WILD) == TAME


@pytest.mark.parametrize("text", [TAME, EXAMPLE])
def test_a_tidy_document_stays_as_it_is(text):
    assert format_document(text) == text


def test_spaces_that_belong_to_a_text_stay():
    text = "a:\n    b: |\n        one  \n\n\n\n        two\n"
    assert plain(read_yaml(format_document(text))) == {"a": {"b": "one  \n\n\n\ntwo\n"}}


def test_an_indentation_that_is_said_in_a_number_is_left_alone():
    text = "a:\n    b: |4\n          x\n"
    assert plain(read_yaml(format_document(text))) == plain(read_yaml(text))


@pytest.mark.parametrize("text", ["a: [", "a: &x 1", "", "a: 1\na: 2\n"])
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(PolicyError):
        format_document(text)


words = st.text("ab #:-|'\"{}[]\n", min_size=1, max_size=8)


@given(st.lists(words, max_size=12).map(" ".join))
def test_whatever_it_does_the_document_says_the_same(text):
    try:
        before = plain(read_yaml(text))
    except PolicyError:
        return
    once = format_document(text)
    assert plain(read_yaml(once)) == before
    assert format_document(once) == once


LINES = ["a:", "  b: 1", "    c: 2", "- x", "  - y", "# note", "    # deep", "", "d: |", "  e: [1,",
         "    2]", "f: 'x", "  y'", "-", "  g: >"]  # fmt: skip


@given(st.lists(st.sampled_from(LINES), max_size=12).map("\n".join))
def test_nesting_of_any_shape_says_the_same(text):
    try:
        before = plain(read_yaml(text))
    except PolicyError:
        return
    assert plain(read_yaml(format_document(text))) == before


def test_a_document_indented_by_four_becomes_the_one_indented_by_two():
    wide = re.sub(r"^ +", lambda spaces: spaces[0] * 2, EXAMPLE, flags=re.MULTILINE)
    wide = wide.replace("- id", "-   id")
    assert wide != EXAMPLE
    assert format_document(wide) == EXAMPLE
