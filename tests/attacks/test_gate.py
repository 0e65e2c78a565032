"""What the gate must not say "go" to."""

import pytest

from approvals.ci.gate import answer, gate_step
from approvals.lifecycle.finish import finish_permit, heartbeat
from approvals.models import Permit
from approvals.states import PermitStatus
from tests.factories import backdate, submission

pytestmark = pytest.mark.django_db


def step(who, wish, text=True):
    return answer(gate_step(token=who.token, submission=wish, idempotency_key="", text=text))


def test_double_use_through_the_gate(who):
    wish = submission("staging")
    assert step(who, wish).content.startswith(b"go permit ")
    assert step(who, wish).content.startswith(b"go permit ")  # the same start, asked again
    permit, run = Permit.objects.get(), {"run_id": wish.run["id"], "run_attempt": 1}
    heartbeat(token=who.token, permit_id=permit.id, **run)
    assert step(who, wish).status_code == 403
    finish_permit(
        token=who.token, permit_id=permit.id, outcome=PermitStatus.SUCCEEDED, exit_code=0, **run
    )
    for text in (True, False):
        again = step(who, wish, text)
        assert again.status_code == 403
        assert b"good for one start only" in again.content


def test_use_after_expiry_through_the_gate(who):
    wish = submission("staging")
    step(who, wish)
    backdate(Permit.objects.get(), expires_at="2020-01-01T00:00:00Z")
    assert step(who, wish).status_code == 410


def test_a_long_run_id_is_one_request_too(who):
    wish = submission("staging", run={"id": "r" * 200, "attempt": 1})
    assert step(who, wish).status_code == step(who, wish).status_code == 200
    assert Permit.objects.count() == 1
