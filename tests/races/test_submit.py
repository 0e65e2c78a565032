"""The same call twice at once."""

from approvals.lifecycle.submit import submit_request
from approvals.lifecycle.withdraw import withdraw_for_run
from approvals.models import Request
from tests.factories import ask, submission
from tests.races.together import agree, errors, together

REPEAT = 6


def test_identical_posts_make_one_request(who):
    for number in range(REPEAT):
        wish = submission()
        results = together(
            *[
                lambda wish=wish, number=number: submit_request(
                    token=who.token, submission=wish, idempotency_key=f"same-{number}"
                )
            ]
            * 6
        )
        assert errors(results) == []
        assert len({result.value[0].id for result in results}) == 1
        assert sum(result.value[1] for result in results) == 1
        agree(Request.objects.get(idempotency_key=f"same-{number}"))


def test_one_key_for_different_bodies_makes_one_request(who):
    for number in range(REPEAT):
        wishes = [submission() for _ in range(4)]
        calls = [
            lambda wish=wish, number=number: submit_request(
                token=who.token, submission=wish, idempotency_key=f"other-{number}"
            )
            for wish in wishes
        ]
        results = together(*calls)
        assert errors(results) == ["IdempotencyMismatch"] * 3
        agree(Request.objects.get(idempotency_key=f"other-{number}"))


def test_withdrawing_twice_at_once_is_one_withdrawal(who):
    for _ in range(REPEAT):
        request = ask(who)
        results = together(
            *[
                lambda r=request: withdraw_for_run(
                    token=who.token, request_id=r.id, run_id=r.run["id"], run_attempt=1
                )
            ]
            * 4
        )
        assert errors(results) == []
        assert agree(request).status == "withdrawn"
