"""A Terraform plan comes with the request: bound by its digest, counted, and forgotten."""

import json

import pytest
from django.test import Client

from approvals.ci.body import MAX_BODY
from approvals.context.plans import MAX_PLAN, parse_exactly, plan_digest
from approvals.models import Permit, Request, Snapshot
from portal.ledger.models import Entry
from tests.api import body, call, code, post
from tests.plans import SECRET, a_change, a_plan

REPLACED = a_plan(a_change("aws_db_instance.main", "delete", "create"))


def exact(plan):
    """The digest as a client makes it, which reads the numbers as they are written."""
    return digest_of(json.dumps(plan))


def digest_of(text):
    return plan_digest(parse_exactly(text.encode()))


def wish(plan=REPLACED, **fields):
    subject = fields.pop("subject", None) or {"plan": exact(plan)}
    return body(action="apply", subject=subject, plan_json=plan, **fields)


def test_a_plan_is_kept_as_digest_and_summary_alone(who):
    answer = post(who.secret, wish())
    assert answer.status_code == 201, answer.content
    request = Request.objects.get()
    assert answer.json()["subject"] == {"plan": exact(REPLACED)}
    assert json.loads(bytes(request.payload))["plan"] == request.plan
    assert request.plan == {
        "adds": 1,
        "changes": 0,
        "destroys": 1,
        "replaces": 1,
        "resource_types": ["aws_db_instance"],
        "destroyed": ["aws_db_instance.main"],
        "sensitive_outputs": False,
    }


def test_no_value_of_a_plan_is_stored_or_answered(who):
    answer = post(who.secret, wish())
    kept = [*Request.objects.values(), *Snapshot.objects.values(), *Entry.objects.values()]
    stored = repr([{k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()}
                   for row in kept])  # fmt: skip
    assert "aws_db_instance.main" in stored
    assert SECRET not in stored + answer.content.decode()


def test_the_same_body_again_is_the_same_request(who):
    asked = wish()
    first, again = (post(who.secret, asked, key="k") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    without = {name: value for name, value in asked.items() if name != "plan_json"}
    assert code(post(who.secret, without, key="k")) == "idempotency-mismatch"


@pytest.mark.parametrize("subject", [{"commit": "1" * 40}, {"plan": "sha256:" + "0" * 64}])
@pytest.mark.parametrize("path", ["/requests", "/gate"])
def test_a_plan_that_the_subject_does_not_name_is_refused(who, path, subject):
    answer = call(who.secret, "post", path, wish(subject=subject), HTTP_IDEMPOTENCY_KEY="k")
    assert (answer.status_code, code(answer)) == (422, "plan-mismatch")
    assert exact(REPLACED) in answer.json()["errors"][0]["message"]
    assert not Request.objects.exists()


def test_the_gate_takes_a_plan_too(who):
    asked = wish(environment="staging")
    answer = call(who.secret, "post", "/gate", asked)
    assert answer.status_code == 200, answer.content
    assert Permit.objects.get().request.plan["destroys"] == 1


def test_a_number_is_not_rounded_before_the_digest(who):
    """Neither beyond 64 bits nor in its last zero: what is compared is what was sent."""
    number, old = "123456789012345678901234.50", '"applyable": true'
    text = json.dumps(a_plan()).replace(old, f'"applyable": {number}')
    asked = json.dumps(wish(a_plan(), subject={"plan": digest_of(text)}))
    raw = asked.replace(old, f'"applyable": {number}')
    assert sent(who, raw).status_code == 201
    for other in (number.replace("4.50", "5.50"), number.removesuffix("0")):
        assert code(sent(who, raw.replace(number, other))) == "plan-mismatch"


def sent(who, raw):
    return Client().post(
        "/api/v1/requests", raw, "application/json",
        HTTP_AUTHORIZATION=f"Bearer {who.secret}", HTTP_IDEMPOTENCY_KEY=f"key-{len(raw)}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        ([], "not an object"),
        ("plan", "not an object"),
        ({}, "format_version is not 1.x"),
        ({"format_version": "1.2", "values": {}}, "it is a state"),
        ({**REPLACED, "resource_changes": "all"}, "resource_changes is not a list"),
        ({**REPLACED, "x": json.loads("[" * 250 + "]" * 250)}, "nested more than 200"),
    ],
)
def test_what_is_no_plan_is_refused_with_a_sentence(who, plan, sentence):
    answer = post(who.secret, wish(plan, subject={"plan": "sha256:" + "0" * 64}))
    assert (answer.status_code, code(answer)) == (422, "invalid")
    assert answer.json()["errors"][0]["field"] == "plan_json"
    assert sentence in answer.json()["errors"][0]["message"]


def test_a_plan_may_be_large_and_the_rest_may_not(who):
    large = {**REPLACED, "configuration": "x" * (MAX_PLAN - 4096)}
    assert post(who.secret, wish(large)).status_code == 201
    for asked in (
        wish({**REPLACED, "configuration": "x" * (MAX_PLAN + MAX_BODY)}),
        wish(labels=["x" * (MAX_BODY + 1)]),
        body(labels=["x" * (MAX_BODY + 1)]),
    ):
        answer = post(who.secret, asked)
        assert (answer.status_code, code(answer)) == (413, "too-large")


def test_a_request_without_a_plan_has_none(who):
    assert post(who.secret, body(plan_json=None)).status_code == 201
    assert Request.objects.get().plan is None
