"""A Terraform plan from the file to the receipt: both sides make the same digest of it."""

import json

import pytest

from tests.journeys.portal import PYTHON
from tests.plans import SECRET, a_change, a_plan

pytestmark = pytest.mark.xdist_group("journeys")


@pytest.mark.parametrize("program", ["python", "python3.8"], indirect=True)
def test_a_plan_is_bound_from_the_file_to_the_receipt(portal, program, tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(a_plan(a_change("aws_lb.front", "delete", "create")), indent=1))
    receipt = tmp_path / "receipt.json"
    gate = portal.gate(
        "staging", "--plan-json", str(plan), "--receipt-file", str(receipt), program=program
    )  # fmt: skip
    assert gate.end() == 0, gate.said
    asked = portal.request(gate.request)["subject"]
    checked = portal.start(
        *PYTHON, "verify", str(receipt), "--url", portal.url, "--plan", asked["plan"],
        "--commit", asked["commit"],
    )  # fmt: skip
    assert checked.end() == 0, checked.said
    (row,) = portal.sql(
        "SELECT payload, row_to_json(r)::text FROM approvals_request r WHERE id = %s", gate.request
    )
    assert json.loads(bytes(row[0]))["plan"]["destroyed"] == ["aws_lb.front"]
    assert SECRET not in row[1]
    assert SECRET.encode() not in bytes(row[0])
