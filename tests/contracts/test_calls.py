"""What each call answers, in the order of a request's life."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from approvals.ci.schemas import FactsOut, PermitAnswer, Problem, RedeemOut, RequestOut
from approvals.lifecycle.expire import expire_all
from approvals.lifecycle.withdraw import revoke_request
from approvals.models import Permit, Request
from policies.language.facts import SCHEMAS, check_value
from portal.accounts.authentication import SCOPES, issue_token
from portal.kernel.clock import now
from tests.api import body, call, code, post, redeem
from tests.factories import ask, backdate, decide

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def run_of(request):
    return {"id": request.run["id"], "attempt": request.run["attempt"]}


def approved(who):
    return decide(ask(who), who.alice)


def permit_call(who, request, permit, verb, **fields):
    wish = {"run": run_of(request), **fields}
    return call(who.secret, "post", f"/permits/{permit['id']}/{verb}", wish)


def says(answer, status, expected):
    assert (answer.status_code, code(answer)) == (status, expected), answer.content
    return Problem.model_validate_json(answer.content)


def fits(model, answer):
    """The answer is the documented one: no field more, no field less."""
    assert answer["Content-Type"] == "application/json"
    found = answer.json()
    assert set(found) == set(model.model_fields)
    return model.model_validate_json(answer.content)


def test_submit_answers_as_documented(who):
    answer = post(who.secret, body(reason="Release 4.18", labels=["hotfix", "hotfix"]))
    assert answer.status_code == 201
    found = fits(RequestOut, answer)
    assert (found.status, found.round, found.verdict.outcome) == ("pending", 1, "review")
    assert found.waiting_for[0].groups == ["team-leads"]
    assert answer["Location"].endswith(f"/api/v1/requests/{found.id}")
    assert found.url.endswith(f"/requests/{found.id}")
    assert TIME.fullmatch(answer.json()["created_at"])
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", found.digest)
    assert found.id.version == 7
    assert found.summary.endswith(".")
    read = call(who.secret, "get", f"/requests/{found.id}")
    assert fits(RequestOut, read) == found
    assert read["Countersign-Version"] == str(found.version)


def test_the_same_key_and_body_again_is_the_same_request(who):
    wish = body()
    first = post(who.secret, wish, "k")
    again = post(who.secret, dict(reversed(wish.items())), "k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    says(post(who.secret, {**wish, "reason": "else"}, "k"), 409, "idempotency-mismatch")
    assert Request.objects.count() == 1


def test_the_same_key_tells_how_it_stands_now(who):
    wish = body()
    request = Request.objects.get(pk=post(who.secret, wish, "k").json()["id"])
    decide(request, who.alice)
    again = post(who.secret, wish, "k")
    assert (again.status_code, again.json()["status"]) == (200, "approved")


def test_an_obligation_nobody_can_meet_is_refused_and_leaves_nothing(who):
    wish = body(run={"id": "1", "actor": "alice"})
    who.bob.is_active = False
    who.bob.save()
    problem = says(post(who.secret, wish), 422, "no-eligible-approver")
    assert "production-lead" in problem.detail
    assert not Request.objects.exists()


@pytest.mark.parametrize("status", ["pending", "rejected", "denied", "withdrawn", "revoked"])
def test_redeeming_what_is_not_approved_is_a_conflict(who, status):
    request = ask(who, "testing" if status == "denied" else "production")
    if status == "rejected":
        decide(request, who.alice, "reject", "No")
    if status == "withdrawn":
        wish = {"run": run_of(request)}
        assert call(who.secret, "post", f"/requests/{request.id}/withdraw", wish).status_code == 200
    if status == "revoked":
        decide(request, who.alice)
        revoke_request(by=who.alice, request_id=request.id, reason="Wait")
    answer = redeem(who.secret, request)
    assert status in says(answer, 409, "not-approved").detail
    assert answer.json()["request_status"] == status
    assert not Permit.objects.exists()


def test_redeeming_too_late_is_gone_before_and_after_the_sweep(who):
    request = approved(who)
    Request.objects.filter(pk=request.pk).update(use_by=now() - timedelta(seconds=1))
    says(redeem(who.secret, request), 410, "expired")
    expire_all()
    says(redeem(who.secret, request), 410, "expired")
    assert call(who.secret, "get", f"/requests/{request.id}").json()["status"] == "expired"


def test_redeem_gives_the_permit_and_the_same_again(who):
    request = approved(who)
    first, again = redeem(who.secret, request), redeem(who.secret, request)
    found = fits(RedeemOut, first)
    assert found.permit.status == "issued"
    assert found.receipt["payloadType"] == "application/vnd.in-toto+json"
    assert first.json() == again.json()
    read = call(who.secret, "get", f"/requests/{request.id}").json()
    assert (read["status"], read["permit"]["id"]) == ("redeemed", str(found.permit.id))


def test_a_redeemed_permit_is_answered_again_after_it_ended(who):
    request = approved(who)
    permit = redeem(who.secret, request).json()["permit"]
    permit_call(who, request, permit, "finish", outcome="failed", exit_code=3)
    again = redeem(who.secret, request)
    assert (again.status_code, again.json()["permit"]["status"]) == (200, "failed")


def test_heartbeats_and_the_end(who):
    request = approved(who)
    permit = redeem(who.secret, request).json()["permit"]
    for _ in range(2):
        beat = fits(PermitAnswer, permit_call(who, request, permit, "heartbeat"))
        assert (beat.permit.status, beat.permit.heartbeat_seconds) == ("running", 30)
    done = permit_call(who, request, permit, "finish", outcome="succeeded", exit_code=0)
    assert fits(PermitAnswer, done).permit.status == "succeeded"
    again = permit_call(who, request, permit, "finish", outcome="succeeded", exit_code=0)
    assert (again.status_code, again.json()) == (200, done.json())
    says(permit_call(who, request, permit, "finish", outcome="failed"), 409, "illegal-state")
    says(permit_call(who, request, permit, "heartbeat"), 409, "illegal-state")


def test_only_the_process_that_began_goes_on_with_the_permit(who):
    request = approved(who)
    permit = redeem(who.secret, request).json()["permit"]

    def tell(verb, **fields):
        return permit_call(who, request, permit, verb, **fields)

    for _ in range(2):
        assert tell("heartbeat", starter="mine").status_code == 200, "repeating is safe"
    for fields in ({"starter": "another"}, {"starter": ""}, {}):
        assert "began" in says(tell("heartbeat", **fields), 409, "already-running").detail
    end = {"outcome": "failed", "exit_code": 143}
    says(tell("finish", starter="another", **end), 409, "already-running")
    assert Permit.objects.get().status == "running"
    assert tell("finish", starter="mine", outcome="succeeded").status_code == 200
    says(tell("heartbeat", starter="x" * 65), 422, "invalid")


def test_the_end_may_be_reported_by_another_process_that_does_not_claim_the_start(who):
    request = approved(who)
    permit = redeem(who.secret, request).json()["permit"]
    permit_call(who, request, permit, "heartbeat", starter="mine")
    done = permit_call(who, request, permit, "finish", outcome="succeeded")
    assert done.json()["permit"]["status"] == "succeeded"


def test_finishing_without_a_heartbeat_records_the_beginning_too(who):
    request = approved(who)
    permit = redeem(who.secret, request).json()["permit"]
    done = permit_call(who, request, permit, "finish", outcome="failed", exit_code=-9)
    assert done.json()["permit"]["status"] == "failed"
    row = Permit.objects.get()
    assert row.started_at is not None
    assert row.exit_code == -9


@pytest.mark.parametrize("verb", ["heartbeat", "finish"])
def test_a_permit_not_begun_in_time_is_gone(who, verb):
    request = approved(who)
    permit = redeem(who.secret, request).json()["permit"]
    backdate(Permit.objects.get(), expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    fields = {"outcome": "succeeded"} if verb == "finish" else {}
    says(permit_call(who, request, permit, verb, **fields), 410, "expired")
    expire_all()
    says(permit_call(who, request, permit, verb, **fields), 410, "expired")


@pytest.mark.parametrize(
    "wish", [{"outcome": "done"}, {"outcome": None}, {"exit_code": 0}, {"outcome": "failed",
             "exit_code": "1"}, {"outcome": "failed", "exit_code": 10**9}],
)  # fmt: skip
def test_a_wrong_end_is_invalid_and_changes_nothing(who, wish):
    request = approved(who)
    permit = redeem(who.secret, request).json()["permit"]
    says(permit_call(who, request, permit, "finish", **wish), 422, "invalid")
    assert Permit.objects.get().status == "issued"


def test_withdrawing_twice_is_one_withdrawal(who):
    request = ask(who)
    wish = {"run": run_of(request), "reason": "The run was cancelled"}
    first, again = (
        call(who.secret, "post", f"/requests/{request.id}/withdraw", wish) for _ in range(2)
    )
    assert fits(RequestOut, first).status == "withdrawn"
    assert (again.status_code, again.json()) == (200, first.json())


def test_withdrawing_what_is_over_is_a_conflict(who):
    request = approved(who)
    redeem(who.secret, request)
    answer = call(who.secret, "post", f"/requests/{request.id}/withdraw", {"run": run_of(request)})
    says(answer, 409, "illegal-state")
    request.refresh_from_db()
    assert request.status == "redeemed"


@pytest.mark.parametrize("text", [False, True])
def test_the_gate_answers_each_state(who, text):
    """307 while it waits, 200 with the permit, 403 no, 410 too late; the same body each time."""
    accept = {"HTTP_ACCEPT": "text/plain"} if text else {}

    def gate(wish):
        return call(who.secret, "post", "/gate", wish, **accept)

    wish = body()
    waiting = gate(wish)
    assert waiting.status_code == 307
    assert waiting["Location"].endswith("/api/v1/gate")
    request = Request.objects.get(pk=waiting["Countersign-Request"])
    assert gate(wish)["Countersign-Request"] == str(request.id)
    decide(request, who.alice)
    go = gate(wish)
    assert go.status_code == 200
    if text:
        assert re.fullmatch(
            rf"go permit {Permit.objects.get().id} until \S+Z\n", go.content.decode()
        )
    else:
        fits(RedeemOut, go)
        assert gate(wish).json() == go.json()
    no = gate(body("testing"))
    assert no.status_code == 403
    assert "Nothing runs on testing." in no.content.decode()
    if text:
        assert no.content.startswith(b"no denied: ")
    else:
        says(no, 403, "not-approved")
    late = body()
    one = gate(late)["Countersign-Request"]
    Request.objects.filter(pk=one).update(decide_by=datetime(2020, 1, 1, tzinfo=UTC))
    expire_all()
    assert gate(late).status_code == 410


def test_the_gate_redeems_what_policy_lets_through(who):
    go = call(who.secret, "post", "/gate", body("staging"), HTTP_ACCEPT="text/plain")
    assert (go.status_code, go.content[:10]) == (200, b"go permit ")


def test_the_gate_key_may_be_given_and_never_means_two_bodies(who):
    wish = body()
    first = call(who.secret, "post", "/gate", wish, HTTP_IDEMPOTENCY_KEY="mine")
    assert first.status_code == 307
    other = {**wish, "reason": "else"}
    answer = call(who.secret, "post", "/gate", other, HTTP_IDEMPOTENCY_KEY="mine")
    says(answer, 409, "idempotency-mismatch")
    says(call(who.secret, "post", "/gate", wish, HTTP_IDEMPOTENCY_KEY="a b"), 400, "bad-header")


def test_the_fact_schema_is_read_with_a_token_of_any_scope(who):
    for scope in SCOPES:
        _, secret = issue_token(by=who.admin, account=who.account, scopes=[scope])
        found = fits(FactsOut, call(secret, "get", "/policies/facts"))
        assert (found.version, len(found.facts)) == ("v1", len(SCHEMAS["v1"]))
        families = SCHEMAS["v1"].families
        assert [(one.name, one.kind) for one in found.families] == [
            (one.name, one.kind) for one in families.values()
        ]
        for fact in found.facts:
            declared = SCHEMAS["v1"][fact.name]
            assert check_value(declared, fact.example) == declared.example
            assert tuple(fact.enumeration) == declared.enumeration
    says(call("cst_nothing", "get", "/policies/facts"), 401, "unauthenticated")
