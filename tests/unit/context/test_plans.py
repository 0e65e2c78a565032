"""Terraform plans: what they would do is counted, what they hold is forgotten."""

import copy
import json
import re

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from approvals.context import plans
from approvals.context.plans import NotAPlan, Number, parse_exactly, plan_digest, read_plan
from portal.kernel.canonical import canonical, sha256_digest
from tests.plans import SECRET, a_change, a_plan, output


def read(plan):
    return read_plan(parse_exactly(json.dumps(plan).encode()))


def test_a_plan_is_counted_as_terraform_counts_it():
    plan = read(
        a_plan(
            a_change("aws_s3_bucket.logs", "create"),
            a_change("aws_instance.web[0]", "update"),
            a_change("aws_db_instance.main", "delete", "create"),
            a_change('module.a["x.y"].aws_lb.front', "create", "delete"),
            a_change("aws_iam_role.old", "delete"),
            a_change("data.aws_ami.base", "read", mode="data"),
            a_change("aws_vpc.main", "no-op"),
        )
    )
    assert (plan.adds, plan.changes, plan.destroys, plan.replaces) == (3, 1, 3, 2)
    assert plan.destroyed == (
        "aws_db_instance.main",
        "aws_iam_role.old",
        'module.a["x.y"].aws_lb.front',
    )
    assert plan.resource_types == (
        "aws_db_instance", "aws_iam_role", "aws_instance", "aws_lb", "aws_s3_bucket",
    )  # fmt: skip
    assert plan.sensitive_outputs is False


def test_what_is_imported_or_forgotten_is_a_change():
    imported = a_change("aws_vpc.main", "no-op")
    imported["change"]["importing"] = {"id": "vpc-1"}
    plan = read(a_plan(imported, a_change("aws_eip.nat", "forget")))
    assert (plan.adds, plan.changes, plan.destroys) == (0, 2, 0)
    assert plan.resource_types == ("aws_eip", "aws_vpc")


def test_a_plan_without_changes_is_a_plan():
    empty = a_plan()
    del empty["resource_changes"]
    plan = read(empty)
    assert (plan.adds, plan.changes, plan.destroys, plan.destroyed) == (0, 0, 0, ())


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ({}, False),
        ({"url": output("update")}, False),
        ({"password": output("no-op", after_sensitive=True)}, False),
        ({"password": output("update", after_sensitive=True)}, True),
        ({"password": output("delete", before_sensitive=True)}, True),
        ({"pair": output("create", after_sensitive={"a": [False, {"b": True}]})}, True),
        ({"pair": output("create", after_sensitive={"a": [False, {}]})}, False),
    ],
)
def test_a_change_of_a_sensitive_output_is_told(outputs, expected):
    assert read(a_plan(outputs=outputs)).sensitive_outputs is expected


def test_a_list_that_is_too_long_is_unknown_and_never_cut(monkeypatch):
    monkeypatch.setattr(plans, "MOST_LISTED", 2)
    rows = [a_change(f"aws_instance.web[{number}]", "delete") for number in range(3)]
    assert read(a_plan(*rows[:2])).destroyed == ("aws_instance.web[0]", "aws_instance.web[1]")
    plan = read(a_plan(*rows))
    assert (plan.destroys, plan.destroyed) == (3, None)
    assert plan.to_json()["destroyed"] is None


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"format_version": "0.2"}, "format_version is not 1.x"),
        ({"format_version": 1}, "format_version is not 1.x"),
        ({"format_version": None}, "format_version is not 1.x"),
        ({"errored": True}, "could not finish"),
        ({"resource_changes": {}}, "resource_changes is not a list"),
        ({"resource_changes": [1]}, "entry of resource_changes is not an object"),
        ({"resource_changes": [{"type": "a"}]}, "address of a resource is not a text"),
        ({"resource_changes": [{"address": 5, "type": "a"}]}, "address of a resource is not"),
        ({"resource_changes": [{"address": "a.b", "type": "a"}]}, "a change is not an object"),
        ({"resource_changes": [a_change("a.b", "explode")]}, "actions on a resource that are not"),
        ({"resource_changes": [a_change("a.b")]}, "actions on a resource that are not"),
        ({"resource_changes": [a_change("a.b\0", "delete")]}, "control character U+0000"),
        ({"resource_changes": [a_change("a." + "b" * 1000, "delete")]}, "more than 1000"),
        ({"output_changes": [1]}, "output_changes is not an object"),
        ({"output_changes": {"a": 1}}, "an output is not an object"),
    ],
)
def test_what_is_no_plan_gets_a_sentence(wrong, sentence):
    with pytest.raises(NotAPlan, match=re.escape(sentence)):
        read({**a_plan(), **wrong})


def test_a_state_is_no_plan():
    with pytest.raises(NotAPlan, match="it is a state"):
        read({"format_version": "1.0", "terraform_version": "1.11.4", "values": {}})


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b'{"a": Infinity}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_gets_a_sentence(text):
    with pytest.raises(NotAPlan, match=r"not valid JSON|nested more than"):
        parse_exactly(text)


@given(st.binary(max_size=60))
@example(b'{"format_version": "1.2", "planned_values": "\\ud800"}')
def test_any_bytes_are_a_plan_or_a_sentence(text):
    try:
        read_plan(parse_exactly(text))
    except NotAPlan as error:
        assert str(error)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "address",
                    "type",
                    "change",
                    "actions",
                    "importing",
                    "after_sensitive",
                    "é\U0001f600",
                ]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(list(a_plan())), anything, max_size=5))
def test_any_object_is_a_plan_or_a_sentence(wrong):
    try:
        read({**a_plan(), **wrong})
    except NotAPlan as error:
        assert str(error)


# Values that may stand anywhere in before and after, each marked so that it is found again.
secrets = st.recursive(
    st.text(max_size=6).map(lambda text: SECRET + text),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(max_size=6).map(lambda text: SECRET + text), children, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.sampled_from(sorted(plans._ACTIONS)), secrets, secrets), max_size=4))
def test_no_value_of_before_and_after_is_kept(rows):
    changes = [
        a_change(f"aws_instance.web[{number}]", *actions, before=before, after=after)
        for number, (actions, before, after) in enumerate(rows)
    ]
    outputs = {
        f"out{number}": output("update", before=before, after=after, after_sensitive=True)
        for number, (_, before, after) in enumerate(rows)
    }
    whole = a_plan(*changes, outputs=outputs)
    assert SECRET in json.dumps(whole), "there is something to forget"
    assert SECRET not in repr(read(whole))
    assert SECRET not in canonical(read(whole).to_json()).decode()


def test_no_value_is_quoted_by_a_refusal():
    wrong = a_change("aws_instance.web", SECRET, before=SECRET)
    wrong["address"] = f"{SECRET}\0"
    for plan in (a_plan(wrong), a_plan(a_change("aws_instance.web", SECRET))):
        with pytest.raises(NotAPlan) as caught:
            read(plan)
        assert SECRET not in str(caught.value)


def test_the_time_of_planning_is_no_part_of_the_digest_and_everything_else_is():
    plan = a_plan(a_change("aws_instance.web", "update", after={"size": 1}))
    again = {**copy.deepcopy(plan), "timestamp": "2026-11-26T10:00:00Z"}
    assert read(plan).digest == read(again).digest
    again["resource_changes"][0]["change"]["after"]["size"] = 2
    assert read(plan).digest != read(again).digest


def test_a_number_keeps_its_digits():
    low, high = b'{"a": 12345678901234567890}', b'{"a": 12345678901234567891}'
    assert plan_digest(parse_exactly(low)) != plan_digest(parse_exactly(high))
    exact = sha256_digest(b'{"a":[1.50,-0,1E+9]}')
    assert plan_digest(parse_exactly(b'{"a": [1.50, -0, 1E+9]}')) == exact


numberless = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text().filter(lambda name: name != "timestamp"), numberless))
@example({"\U0001f600": 1, "\ue000": 2, "é": [], "a\n\u2028\x7f": {}})
def test_the_digest_is_that_of_rfc_8785(value):
    exact = parse_exactly(json.dumps(value).encode())
    assert plan_digest(exact) == sha256_digest(rfc8785.dumps(value))


def test_deep_nesting_gets_a_sentence():
    deep = parse_exactly(b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}")
    with pytest.raises(NotAPlan, match="nested more than 200"):
        plan_digest(deep)


def test_a_number_is_no_address():
    assert isinstance(parse_exactly(b"5"), Number)
