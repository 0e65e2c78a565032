"""From a workload token to a run token, and what that may do."""

from datetime import timedelta

import pytest

from approvals.models import Request
from portal.accounts.authentication import issue_token
from portal.accounts.models import ProjectToken
from portal.accounts.service_accounts import deactivate_service_account
from portal.accounts.trusts.configure import archive_trust
from portal.directory.projects import archive_project
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests import workloads
from tests.api import body, call, code, post, redeem
from tests.factories import decide

pytestmark = pytest.mark.django_db


def run(claims, name="run_id"):
    return {"id": claims[name], "attempt": int(claims.get("run_attempt", "1"))}


def entries(kind):
    return Entry.objects.filter(type=kind)


@pytest.mark.parametrize("preset", workloads.CLAIMS)
def test_a_job_of_each_system_asks_waits_redeems_and_reports(who, preset):
    workloads.trust(who, preset)
    answer = workloads.exchange(workloads.signed(workloads.CLAIMS[preset]()))
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    secret, its_run = answer.json()["token"], answer.json()["run"]
    asked = post(secret, body(run=its_run))
    assert asked.status_code == 201, asked.content
    request = decide(Request.objects.get(), who.alice)
    assert call(secret, "get", f"/requests/{request.pk}").json()["status"] == "approved"
    permit = redeem(secret, request).json()["permit"]["id"]
    beat = {"run": its_run, "starter": "one"}
    assert call(secret, "post", f"/permits/{permit}/heartbeat", beat).status_code == 200
    end = {**beat, "outcome": "succeeded"}
    assert call(secret, "post", f"/permits/{permit}/finish", end).status_code == 200
    acted = entries("request.submitted").get().payload
    assert b'"authn":"workload"' in bytes(acted)
    assert b'"attempt":1' in bytes(entries("workload.accepted").get().payload)


def test_nothing_of_the_workload_token_is_stored(who):
    workloads.trust(who)
    token = workloads.signed(workloads.github())
    secret = workloads.exchange(token).json()["token"]
    row = ProjectToken.objects.get(trust__isnull=False)
    kept = " ".join(str(value) for value in row.__dict__.values())
    kept += " ".join(str(bytes(entry.payload)) for entry in Entry.objects.all())
    for part in (*token.split("."), secret.rpartition("_")[2]):
        assert part not in kept
    assert (row.run_id, row.run_attempt, row.scopes) == ("8812", 1, ["request"])
    assert timedelta(hours=5) < row.expires_at - now() <= timedelta(hours=6)


def test_a_run_token_lives_as_long_as_the_workload_token_but_a_day_at_most(who):
    workloads.trust(who)
    at = workloads.github()["iat"]
    for hours, lives in ((10, 10), (1000, 24)):
        token = workloads.signed(workloads.github(exp=at + hours * 3600))
        workloads.exchange(token)
        left = ProjectToken.objects.latest("created_at").expires_at - now()
        assert timedelta(hours=lives - 0.1) < left <= timedelta(hours=lives)


def test_it_is_limited_to_the_environments_of_its_trust(who):
    workloads.trust(who, environments=[who.staging])
    claims = workloads.github()
    secret = workloads.run_token(claims)
    assert code(post(secret, body(run=run(claims)))) == "foreign-environment"
    assert post(secret, body("staging", run=run(claims))).status_code == 201


def test_it_asks_for_its_own_run_attempt_alone(who):
    workloads.trust(who)
    claims = workloads.github()
    secret = workloads.run_token(claims)
    for other in ({"id": "8813", "attempt": 1}, {"id": "8812", "attempt": 2}):
        refused = post(secret, body(run=other))
        assert (refused.status_code, code(refused)) == (403, "another-run")
    assert post(secret, body(run=run(claims))).status_code == 201
    assert code(call(secret, "post", "/policies/check", {"document": "x"})) == "missing-scope"


def test_a_workload_token_itself_is_no_bearer_token(who):
    workloads.trust(who)
    refused = post(workloads.signed(workloads.github()), body())
    assert (refused.status_code, code(refused)) == (401, "unauthenticated")
    assert "POST /api/v1/token" in refused.json()["detail"]


def test_the_same_run_may_get_another_token_and_go_on(who):
    workloads.trust(who)
    first, again = workloads.github(), workloads.github()
    asked = post(workloads.run_token(first), body(run=run(first)))
    answer = call(workloads.run_token(again), "get", f"/requests/{asked.json()['id']}")
    assert answer.status_code == 200


@pytest.mark.parametrize("what", ["trust", "account", "project"])
def test_what_is_out_of_use_gives_no_token_and_ends_those_it_gave(who, what):
    trust = workloads.trust(who)
    claims = workloads.github()
    secret = workloads.run_token(claims)
    {
        "trust": lambda: archive_trust(by=who.admin, trust=trust),
        "account": lambda: deactivate_service_account(by=who.admin, account=who.account),
        "project": lambda: archive_project(by=who.admin, project=who.project),
    }[what]()
    assert post(secret, body(run=run(claims))).status_code == 401
    refused = workloads.exchange(workloads.signed(workloads.github()))
    assert (refused.status_code, code(refused)) == (401, "untrusted")


def test_a_refusal_tells_which_claim_but_not_what_is_wanted(who):
    workloads.trust(who, source="991177")
    refused = workloads.exchange(workloads.signed(workloads.github()))
    assert code(refused) == "untrusted"
    assert "repository_id" in refused.json()["detail"]
    assert "991177" not in refused.json()["detail"]


def test_one_of_several_trusts_is_enough(who):
    workloads.trust(who, name="tags", refs=["refs/tags/v*"])
    main = workloads.trust(who, name="main")
    secret = workloads.run_token(workloads.github())
    assert ProjectToken.objects.get(trust__isnull=False).trust == main
    tagged = workloads.run_token(workloads.github(ref="refs/tags/v1", run_id="9"))
    assert secret != tagged


def test_a_project_that_is_not_there_is_as_one_without_trusts(who):
    token = workloads.signed(workloads.github())
    words = {workloads.exchange(token, name).json()["detail"] for name in ("shop", "nothing")}
    assert {word.replace("nothing", "shop") for word in words} == {
        "No trust of a project “shop” is for the issuer of this token."
    }


def test_who_set_the_trust_up_decides_on_nothing_it_let_in(who):
    workloads.trust(who)
    claims = workloads.github()
    post(workloads.run_token(claims), body(run=run(claims)))
    assert Request.objects.get().token.created_by == who.admin


def test_run_tokens_are_not_listed_among_project_tokens(who):
    from portal.accounts.queries import tokens_of

    workloads.trust(who)
    workloads.run_token(workloads.github())
    assert not tokens_of(who.account).filter(trust__isnull=False).exists()
    issue_token(by=who.admin, account=who.account, scopes=["request"])
    assert tokens_of(who.account).count() == 2
