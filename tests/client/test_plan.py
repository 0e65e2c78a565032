"""A Terraform plan that goes with the question: the same digest on both sides, exact numbers."""

import json
import runpy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.context.plans import parse_exactly, plan_digest
from portal.kernel.canonical import sha256_digest
from tests.client.conftest import CLIENTS
from tests.client.portal_double import DIGEST, a_permit, a_request
from tests.plans import a_change, a_plan

CLIENT = runpy.run_path(str(CLIENTS / "countersign.py"))
PLAN = a_plan(a_change("aws_db_instance.main", "delete", "create"))


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN, indent=2))
    return path


@pytest.fixture
def approving(double):
    return double.on("ask", a_request("approved")).on("redeem", a_permit())


def asking(python, *options):
    return python.run("request", *python.asking, "--run-id", "1", "--retry-for", "1s", *options)


def test_the_plan_is_sent_with_its_digest_and_without_its_time(approving, python, plan):
    done = asking(python, "--plan-json", str(plan))
    assert done.returncode == 0, done.stderr
    (sent,) = approving.sent("ask")
    assert sent["subject"] == {"plan": plan_digest(parse_exactly(plan.read_bytes()))}
    assert sent["plan_json"] == {k: v for k, v in PLAN.items() if k != "timestamp"}


def test_the_gate_sends_it_too(approving, python, plan):
    assert python.gate("--plan-json", str(plan)).returncode == 0
    assert "plan" in approving.sent("ask")[0]["subject"]


def test_a_digest_that_was_given_must_be_that_of_the_plan(approving, python, plan):
    digest = plan_digest(parse_exactly(plan.read_bytes()))
    assert asking(python, "--plan-json", str(plan), "--plan", digest).returncode == 0
    done = asking(python, "--plan-json", str(plan), "--plan", DIGEST)
    assert done.returncode == 64
    assert digest in done.stderr
    assert approving.count("ask") == 1


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": NaN}', '{"a": ' + "[" * 5000])
def test_what_is_no_plan_is_a_usage_error(approving, python, plan, text):
    plan.write_text(text)
    done = asking(python, "--plan-json", str(plan))
    assert done.returncode == 64
    assert "cannot be read as a plan" in done.stderr
    assert approving.count("ask") == 0


def test_a_plan_that_is_not_there_or_too_large_is_a_usage_error(approving, python, plan):
    assert asking(python, "--plan-json", "/no/such/plan").returncode == 64
    plan.write_text(json.dumps({**PLAN, "x": "y" * 2 * 1024 * 1024}))
    done = asking(python, "--plan-json", str(plan))
    assert (done.returncode, "the portal takes 2097152" in done.stderr) == (64, True)
    assert approving.count("ask") == 0


def test_the_shell_client_says_that_it_cannot(approving, shell_client, plan):
    done = shell_client("sh").gate("--plan-json", str(plan))
    assert done.returncode == 64
    assert "use countersign.py" in done.stderr
    assert approving.count("ask") == 0


numbers = st.integers().map(str) | st.decimals(allow_nan=False, allow_infinity=False).map(str)
values = st.recursive(
    st.none()
    | st.booleans()
    | numbers.map(lambda text: CLIENT["Number"](text.upper()))
    | st.text(),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values))
def test_client_and_portal_make_the_same_digest(value):
    value.pop("timestamp", None)
    text = CLIENT["canonical"](value)
    assert plan_digest(parse_exactly(text.encode())) == sha256_digest(text.encode())
