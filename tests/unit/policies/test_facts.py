"""Facts are checked once, at the door."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.language.facts import (
    MAX_ITEMS,
    MAX_STRING,
    SCHEMAS,
    Facts,
    FactValueError,
    Known,
    Unknown,
    check_value,
    value_to_json,
)
from portal.kernel.canonical import canonical
from tests.unit.policies.builders import GONE, NOW, PENDING, facts, state

V1 = SCHEMAS["v1"]


class Liar(str):
    """Claims to be short."""

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("git.signed", 1, "true or false"),
        ("git.signed", "true", "true or false"),
        ("git.files_changed", True, "whole number"),
        ("git.files_changed", 1.0, "fraction"),
        ("git.files_changed", "1", "whole number"),
        ("git.files_changed", 2**53, "too large"),
        ("deploy.canary_error_rate", float("nan"), "finite"),
        ("deploy.canary_error_rate", float("inf"), "finite"),
        ("deploy.canary_error_rate", 10**400, "too large"),
        ("deploy.canary_error_rate", False, "a number"),
        ("git.head", b"abc", "not bytes"),
        ("git.head", None, "not nothing"),
        ("git.head", "prod\0evil", "NUL"),
        ("git.head", "\ud800", "Unicode"),
        ("git.head", "x" * (MAX_STRING + 1), "too long"),
        ("git.head", Liar("x" * 99_999), "not Liar"),
        ("git.paths", "abc", "list of texts"),
        ("git.paths", {"a": 1}, "list of texts"),
        ("git.paths", ["a", 1], "list of texts"),
        ("git.paths", ["a", ["b"]], "list of texts"),
        ("git.paths", ["a\0"], "NUL"),
        ("git.paths", ["a"] * (MAX_ITEMS + 1), "too many"),
        ("git.paths", ["x" * MAX_STRING] * 33, "too long"),
        ("request.tier", "prod", "one of production"),
    ],
)
def test_a_value_that_is_not_what_the_schema_says_is_refused(name, value, why):
    with pytest.raises(FactValueError, match=why) as caught:
        check_value(V1[name], value)
    assert caught.value.fact == name


def test_a_list_becomes_a_tuple_and_a_whole_number_a_double():
    assert check_value(V1["git.paths"], ["a", "b"]) == ("a", "b")
    rate = check_value(V1["deploy.canary_error_rate"], 0)
    assert isinstance(rate, float)


def test_a_fact_that_the_schema_does_not_have_is_refused():
    with pytest.raises(FactValueError, match="not a fact"):
        Facts({"git.haed": PENDING})


def test_a_source_cannot_promote_a_claim():
    with pytest.raises(FactValueError, match="must be claimed"):
        Facts({"tests.passed": Known(True, "ci", NOW, "attested")})


def test_a_fact_needs_a_time_with_a_zone():
    with pytest.raises(FactValueError, match="zone"):
        Facts({"git.signed": Known(True, "git", datetime(2026, 1, 1), "attested")})


def test_an_absent_fact_is_pending():
    assert Facts({}).state("git.head") == Unknown("not gathered yet", "pending")


def test_a_reason_from_outside_cannot_break_what_stores_it():
    stored = Facts({"git.head": Unknown("fatal: \ud800\0\x1b[31m" + "x" * 999, "unavailable")})
    reason = stored.to_json()["git.head"]["reason"]
    assert reason.startswith("fatal: \u27e8U+D800\u27e9\u27e8U+0000\u27e9\u27e8U+001B\u27e9[31mx")
    assert len(reason) == 300
    assert canonical(stored.to_json())


def test_attested_leaves_the_claims_out():
    given = facts({"git.head": "abc", "tests.passed": True})
    assert "tests.passed" in given
    assert "tests.passed" not in given.attested()
    assert given.attested().state("git.head") == given.state("git.head")


def test_replaced_and_without_leave_the_original_alone():
    before = facts({"git.head": "aaa"})
    assert before.replaced({"git.head": state("git.head", "bbb")}).state("git.head").value == "bbb"
    assert "git.head" not in before.without(["git.head"])
    assert before.state("git.head").value == "aaa"


@pytest.mark.parametrize(
    ("value", "form"), [(0.1, "0.1"), (1e-7, "0.0000001"), (2.0, "2.0"), (1e22, "1" + "0" * 22)]
)
def test_a_double_is_stored_as_decimal_text(value, form):
    assert value_to_json(value) == form
    assert float(form) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_comes_back_from_the_snapshot_as_it_was(value):
    stored = facts({"deploy.canary_error_rate": value})
    assert Facts.from_json(stored.to_json()) == stored


def test_facts_come_back_from_their_canonical_form():
    stored = facts({"git.paths": ["b", "a"], "git.head": PENDING, "git.signed": GONE})
    again = Facts.from_json(stored.to_json())
    assert again == stored
    assert canonical(again.to_json()) == canonical(stored.to_json())


@pytest.mark.parametrize(
    "data",
    [
        {"git.head": "abc"},
        {"git.head": {"value": "abc"}},
        {"git.head": {"value": "abc", "source": "git", "observed_at": "yesterday"}},
        {"git.head": {"unknown": "maybe", "reason": "x"}},
        {"deploy.canary_error_rate": {"value": "x", "source": "a", "observed_at": "2026-01-01"}},
        {"nothing.here": {"unknown": "pending", "reason": "x"}},
    ],
)
def test_a_snapshot_that_was_tampered_with_is_refused(data):
    with pytest.raises(FactValueError):
        Facts.from_json(data)
