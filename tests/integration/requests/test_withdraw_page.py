from tests.factories import ask, decide, redeem
from tests.integration.pages import as_, text


def test_whoever_answers_for_it_withdraws_a_request(who):
    request = ask(who)
    response = as_(who.carol).post(f"/requests/{request.id}/withdraw", {"reason": "cancelled"})
    request.refresh_from_db()
    assert (response.status_code, request.status) == (303, "withdrawn")
    assert "Withdrawn. Entry " in text(response.client.get(response["Location"]))


def test_others_neither_see_the_button_nor_may_press_it(who):
    request = ask(who)
    alice = as_(who.alice)
    assert "Withdraw this request" not in text(alice.get(f"/requests/{request.id}"))
    assert "Withdraw this request" in text(as_(who.carol).get(f"/requests/{request.id}"))
    assert alice.post(f"/requests/{request.id}/withdraw").status_code == 403
    assert as_(who.mallory).post(f"/requests/{request.id}/withdraw").status_code == 404


def test_an_unused_approval_is_revoked_with_a_reason(who):
    request = decide(ask(who), who.alice)
    alice = as_(who.alice)
    refused = alice.post(f"/requests/{request.id}/revoke", {"reason": " "})
    assert refused.status_code == 422
    assert (
        alice.post(f"/requests/{request.id}/revoke", {"reason": "wrong build"}).status_code == 303
    )
    request.refresh_from_db()
    assert request.status == "revoked"


def test_what_is_redeemed_cannot_be_taken_back(who):
    request = decide(ask(who), who.alice)
    redeem(who, request)
    answer = as_(who.carol).post(f"/requests/{request.id}/withdraw")
    assert answer.status_code == 409


def test_taking_back_needs_a_post(who):
    request = ask(who)
    for verb in ("withdraw", "revoke"):
        assert as_(who.carol).get(f"/requests/{request.id}/{verb}").status_code == 405
