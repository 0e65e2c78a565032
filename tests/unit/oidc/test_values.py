"""Reading group values out of claims."""

import pytest

from portal.oidc.mapping import MOST_VALUES, group_values


@pytest.mark.parametrize(
    ("claims", "name", "values"),
    [
        ({"groups": ["b", "a", "a"]}, "groups", ["a", "b"]),
        ({"groups": "one"}, "groups", ["one"]),
        ({"realm_access": {"roles": ["x"]}}, "realm_access.roles", ["x"]),
        ({"https://a.b/groups": ["x"]}, "https://a.b/groups", ["x"]),
        ({"groups": [1, None, True, {"a": 1}, "", "a" * 256, "ok"]}, "groups", ["ok"]),
        ({"groups": {"leads": True}}, "groups", []),
        ({"groups": None}, "groups", []),
        ({}, "groups", []),
        ({"groups": ["a"]}, "", []),
        ({"a": "text"}, "a.b.c", []),
        ({"Groups": ["a"]}, "groups", []),
    ],
)
def test_values_are_texts_of_the_claim(claims, name, values):
    assert group_values(claims, name) == values


def test_values_are_no_more_than_can_be_looked_at():
    assert len(group_values({"groups": [str(n) for n in range(5000)]}, "groups")) == MOST_VALUES
