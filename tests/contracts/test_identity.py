"""Who may call: tokens, their scopes, their environments, their time; and whose run it is."""

from datetime import timedelta

import pytest

from approvals.models import Request
from portal.accounts.authentication import issue_token, revoke_token
from portal.accounts.models import ProjectToken
from portal.accounts.service_accounts import create_service_account, deactivate_service_account
from portal.directory.environments import archive_environment
from portal.directory.projects import archive_project
from portal.kernel.clock import now
from tests.api import body, call, code, post, redeem
from tests.factories import ask, decide


def token(who, *, account=None, **wishes):
    wishes = {"scopes": ["request", "read"], **wishes}
    return issue_token(by=who.admin, account=account or who.account, **wishes)


def says(answer, status, expected):
    assert (answer.status_code, code(answer)) == (status, expected), answer.content
    return answer.json()["detail"]


@pytest.mark.parametrize(
    "secret", ["", "garbage", "cst_", "cst_" + "0" * 12 + "_" + "0" * 64, "Basic x", "x" * 17_000]
)
def test_a_garbage_token_is_refused_and_told_what_to_send(who, secret):
    answer = post(secret, body())
    says(answer, 401, "unauthenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert not Request.objects.exists()


def test_a_right_prefix_with_a_wrong_secret_is_refused(who):
    half = who.secret.rpartition("_")[0]
    says(post(f"{half}_{'0' * 64}", body()), 401, "unauthenticated")
    says(post(who.secret.upper(), body()), 401, "unauthenticated")
    assert post(who.secret, body()).status_code == 201


def test_a_token_ends_with_its_time(who):
    found, secret = token(who)
    assert post(secret, body()).status_code == 201
    ProjectToken.objects.filter(pk=found.pk).update(expires_at=now() - timedelta(seconds=1))
    assert "expired" in says(post(secret, body()), 401, "token-expired")


def test_a_token_ends_when_it_is_revoked(who):
    found, secret = token(who)
    request = post(secret, body()).json()
    revoke_token(by=who.admin, token=found)
    for answer in (post(secret, body()), call(secret, "get", f"/requests/{request['id']}")):
        assert "revoked" in says(answer, 401, "unauthenticated")


@pytest.mark.parametrize("what", ["account", "project"])
def test_a_token_rests_with_its_account_and_project(who, what):
    assert post(who.secret, body()).status_code == 201
    if what == "account":
        deactivate_service_account(by=who.admin, account=who.account)
    else:
        archive_project(by=who.admin, project=who.project)
    says(post(who.secret, body()), 401, "unauthenticated")


def test_a_token_does_what_its_scopes_say(who):
    """Asking and reading are two rights; a run may read its own request with either."""
    _, asks = token(who, scopes=["request"])
    _, reads = token(who, scopes=["read"])
    request = post(asks, body()).json()
    says(post(reads, body()), 403, "missing-scope")
    run = {"id": request["run"]["id"], "attempt": 1}
    wish = {"run": run, "digest": request["digest"]}
    for path in ("redeem", "withdraw"):
        answer = call(reads, "post", f"/requests/{request['id']}/{path}", wish)
        assert answer.status_code in {403, 422}
    says(call(reads, "post", f"/requests/{request['id']}/redeem", wish), 403, "missing-scope")
    assert call(reads, "get", f"/requests/{request['id']}").status_code == 200
    assert call(reads, "post", "/gate", body()).status_code == 403


def test_a_token_asks_for_its_environments_only(who):
    _, secret = token(who, environments=[who.staging])
    assert post(secret, body("staging")).status_code == 201
    says(post(secret, body("production")), 403, "foreign-environment")
    says(call(secret, "post", "/gate", body("production")), 403, "foreign-environment")


@pytest.mark.parametrize(
    "change",
    [{"project": "bank"}, {"project": "Shop"}, {"environment": "prod"}, {"project": "shop "}],
)
def test_unknown_places_are_not_found_and_named(who, change):
    wish = body(**change)
    detail = says(post(who.secret, wish), 404, "not-found")
    assert next(iter(change.values())) in detail


def test_an_archived_environment_is_unknown(who):
    assert post(who.secret, body()).status_code == 201
    archive_environment(by=who.admin, environment=who.production)
    says(post(who.secret, body()), 404, "not-found")


@pytest.mark.parametrize("run", [{"id": "other", "attempt": 1}, {"id": "", "attempt": 2}])
def test_another_run_is_forbidden_in_every_call(who, run):
    request = decide(ask(who), who.alice)
    run = {"id": run["id"] or request.run["id"], "attempt": run["attempt"]}
    permit = redeem(who.secret, request).json()["permit"]["id"]
    own = {"id": request.run["id"], "attempt": 1}
    for path, wish in (
        (f"/requests/{request.id}/redeem", {"digest": request.digest}),
        (f"/requests/{request.id}/withdraw", {}),
        (f"/permits/{permit}/heartbeat", {}),
        (f"/permits/{permit}/finish", {"outcome": "succeeded"}),
    ):
        says(call(who.secret, "post", path, {"run": run, **wish}), 403, "another-run")
    beat = call(who.secret, "post", f"/permits/{permit}/heartbeat", {"run": own})
    assert beat.status_code == 200


def test_another_account_of_the_project_is_another_run(who):
    """Even with the same run id: the service account is part of who asked."""
    other = create_service_account(by=who.admin, project=who.project, name="other-bot")
    _, secret = token(who, account=other)
    request = decide(ask(who), who.alice)
    says(redeem(secret, request), 403, "another-run")
    assert redeem(who.secret, request).status_code == 200


def test_keys_of_two_accounts_never_meet(who):
    """An idempotency key is its account's own."""
    other = create_service_account(by=who.admin, project=who.project, name="other-bot")
    _, secret = token(who, account=other)
    wish = body()
    one, two = post(who.secret, wish, "the-key"), post(secret, wish, "the-key")
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["id"] != two.json()["id"]


def test_the_token_is_never_repeated_in_an_answer(who):
    for answer in (
        post(who.secret, body()),
        post(who.secret + "x", body()),
        post(who.secret, {}),
    ):
        assert who.secret.rpartition("_")[2] not in answer.content.decode()
