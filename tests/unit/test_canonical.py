"""Canonical JSON: equal to an independent RFC 8785 implementation on the allowed subset."""

import hashlib

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from portal.kernel.canonical import MAX_SAFE_INTEGER, NotCanonical, canonical, digest_of

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=127)), children, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_it_equals_rfc8785_on_the_subset(value):
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value", [1.5, {"a": 2**53}, {"é": 1}, {1: 2}, "\ud800", b"x", {"a": [{"b": 0.1}]}, {3, 4}]
)
def test_anything_outside_the_subset_is_refused(value):
    with pytest.raises(NotCanonical):
        canonical(value)


def test_a_digest_names_its_algorithm():
    assert digest_of({"b": 1, "a": "x"}) == (
        "sha256:" + hashlib.sha256(b'{"a":"x","b":1}').hexdigest()
    )
