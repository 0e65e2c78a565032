"""A token limited to some environments: the limit holds at every call, not only when asking."""

import pytest

from portal.accounts.authentication import issue_token
from tests.api import body, call, code, post, redeem
from tests.factories import ask, decide
from tests.factories import redeem as permit_of


@pytest.fixture
def low(who):
    """The secret of a token of the same account, for staging only."""
    _, secret = issue_token(
        by=who.admin, account=who.account, scopes=["request", "read"], environments=[who.staging]
    )
    return secret


def foreign(response):
    return (response.status_code, code(response)) == (403, "foreign-environment")


def run_of(request):
    return {"run": {"id": request.run["id"], "attempt": request.run["attempt"]}}


def test_a_token_for_staging_neither_reads_nor_redeems_nor_withdraws_production(who, low):
    request = decide(ask(who), who.alice)
    address = f"/requests/{request.id}"
    assert foreign(call(low, "get", address))
    assert foreign(call(low, "get", f"{address}/stream"))
    assert foreign(redeem(low, request))
    assert foreign(call(low, "post", f"{address}/withdraw", run_of(request)))
    assert call(who.secret, "get", address).json()["status"] == "approved"
    assert redeem(who.secret, request).status_code == 200


def test_a_token_for_staging_neither_keeps_nor_ends_a_permit_of_production(who, low):
    request = decide(ask(who), who.alice)
    permit = f"/permits/{permit_of(who, request).id}"
    alive = run_of(request)
    over = {**alive, "outcome": "succeeded", "exit_code": 0}
    assert foreign(call(low, "post", f"{permit}/heartbeat", alive))
    assert foreign(call(low, "post", f"{permit}/finish", over))
    assert call(who.secret, "post", f"{permit}/heartbeat", alive).status_code == 200
    assert call(who.secret, "post", f"{permit}/finish", over).status_code == 200


def test_a_token_for_staging_finds_no_request_by_its_idempotency_key(who, low):
    wish = body("production")
    assert post(who.secret, wish, "release-4.18").status_code == 201
    assert foreign(post(low, wish, "release-4.18"))
    assert foreign(post(low, body("staging"), "release-4.18"))
    assert post(who.secret, wish, "release-4.18").status_code == 200


def test_a_token_for_staging_does_everything_there(who, low):
    made = post(low, body("staging")).json()
    assert call(low, "get", f"/requests/{made['id']}").json()["status"] == "approved"
    answer = call(
        low, "post", f"/requests/{made['id']}/redeem",
        {"run": {"id": made["run"]["id"], "attempt": 1}, "digest": made["digest"]},
    )  # fmt: skip
    assert answer.status_code == 200
