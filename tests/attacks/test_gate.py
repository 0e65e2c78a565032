"""What the gate must not say "go" to."""

import pytest

from approvals.ci.gate import answer, gate_step
from approvals.context.collect import ask_all
from approvals.lifecycle.finish import finish_permit, heartbeat
from approvals.lifecycle.redeem import Drift
from approvals.lifecycle.withdraw import revoke_request
from approvals.models import Permit, Request
from approvals.states import PermitStatus
from portal.directory.groups import remove_member
from portal.directory.models import ApproverGroup
from tests.factories import backdate, decide, redeem, submission

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


@pytest.fixture
def meanwhile(monkeypatch):
    """Lets something happen once, while the gate reads the facts again."""

    def during(act):
        calls = iter([act])

        def read(*question):
            next(calls, lambda: None)()
            return ask_all(*question)

        monkeypatch.setattr("approvals.lifecycle.redeem.ask_all", read)

    return during


@pytest.mark.parametrize("text", [True, False])
def test_a_gate_beside_another_one_that_finds_drift_goes_on_waiting(who, meanwhile, text):
    wish = submission()
    request = approved(who, wish)

    def drift():
        group = ApproverGroup.objects.get(name="team-leads")
        remove_member(by=who.admin, group=group, person=who.alice)
        with pytest.raises(Drift):
            redeem(who, request)

    meanwhile(drift)
    answer = step(who, wish, text)
    assert (answer.status_code, answer["Countersign-Request"]) == (307, str(request.id))
    decide(request, who.bob)
    assert step(who, wish, text).status_code == 200


def test_a_gate_says_no_when_the_approval_is_taken_back_meanwhile(who, meanwhile):
    wish = submission()
    request = approved(who, wish)
    meanwhile(lambda: revoke_request(by=who.alice, request_id=request.id, reason="Wait"))
    answer = step(who, wish)
    assert answer.status_code == 403
    assert answer.content.startswith(b"no revoked: ")


def test_a_gate_beside_another_one_that_redeems_says_go_too(who, meanwhile):
    """Both are the same run attempt, so both have the same permit."""
    wish = submission()
    request = approved(who, wish)
    meanwhile(lambda: redeem(who, request))
    assert step(who, wish).content.startswith(b"go permit ")


def approved(who, wish):
    step(who, wish)
    return decide(Request.objects.get(), who.alice)
