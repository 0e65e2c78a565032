"""Letter D of the attacks: workloads that say they are somebody else, and tokens used again."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from approvals.models import Request
from portal.accounts.authentication import issue_token
from portal.accounts.models import ProjectToken
from portal.accounts.trusts.configure import archive_trust, create_trust
from portal.kernel.errors import Invalid
from tests import workloads
from tests.api import body, call, code, post, redeem
from tests.factories import decide
from tests.workloads import CLAIMS, exchange, run_token, signed, trust

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are not collected here
]


def refused(claims, expected="untrusted", **how):
    """The token gives nothing, and the same one as the system makes it gives something."""
    answer = exchange(signed(claims, **how))
    assert (answer.status_code, code(answer)) == (401, expected), answer.content
    assert not ProjectToken.objects.filter(trust__isnull=False).exists()
    return answer.json()["detail"]


def accepted(preset="github"):
    assert exchange(signed(CLAIMS[preset]())).status_code == 200


@pytest.mark.parametrize(
    ("preset", "changed", "claim"),
    [
        ("github", {"repository_id": "99", "repository_owner_id": "98"}, "repository_id"),
        ("gitlab", {"project_id": "99", "job_project_id": "99"}, "project_id"),
        ("buildkite", {"pipeline_id": workloads.CIRCLE}, "pipeline_id"),
        ("circleci", {"oidc.circleci.com/project-id": workloads.PIPELINE}, "project-id"),
        (
            "kubernetes",
            {"kubernetes.io": {"pod": {"uid": "1"}, "serviceaccount": {"uid": "2"}}},
            "serviceaccount.uid",
        ),
    ],
)
def test_recycled_repo_name(who, preset, changed, claim):
    """D1: every name is the same, the number is not."""
    trust(who, preset)
    assert claim in refused(CLAIMS[preset](**changed))
    accepted(preset)


def test_sub_format_collision(who):
    """D2: `sub` is never compared, so no format of it can collide with another's."""
    trust(who)
    subs = ("repo:octo-org/shop:ref:refs/heads/main", "repo:octo-65/shop-74201:ref:x", "")
    for sub in subs:
        refused(workloads.github(sub=sub, repository_id="7"))
    for number, sub in enumerate(subs):
        assert exchange(signed(workloads.github(sub=sub, run_id=str(number)))).status_code == 200


def test_sub_is_no_claim_a_trust_may_name(who):
    """D2: names put together with `-` or `/` are one text for two owners."""
    with pytest.raises(Invalid) as refusal:
        trust(who, "any", claims={"sub": "repo:a-b/c"})
    assert "names" in refusal.value.sentence
    trust(who, "any")


@pytest.mark.parametrize(
    ("preset", "changed"),
    [
        ("github", {"event_name": "pull_request"}),
        ("github", {"event_name": "pull_request_target"}),
        ("github", {"event_name": "workflow_run"}),
        ("github", {"event_name": "issue_comment"}),
        ("github", {"head_ref": "main", "base_ref": "main"}),
        ("gitlab", {"pipeline_source": "merge_request_event"}),
        ("gitlab", {"pipeline_source": "external_pull_request_event"}),
        ("gitlab", {"ref_path": "refs/merge-requests/1/head"}),
        ("gitlab", {"project_id": "99"}),  # the fork's own number, with the target's job
        ("gitlab", {"job_project_id": "99"}),
        ("buildkite", {"build_branch": "stranger:main"}),
        ("circleci", {"oidc.circleci.com/vcs-ref": "refs/pull/7/head"}),
        ("circleci", {"oidc.circleci.com/ssh-rerun": True}),
    ],
)
def test_fork_pipeline_token(who, preset, changed):
    """D3: what runs for a fork says main and protected, and is refused."""
    trust(who, preset)
    refused(CLAIMS[preset](**changed))
    accepted(preset)


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "workflow_run"])
def test_no_trust_may_accept_events_of_strangers(who, event):
    """D3: not even if a maintainer wants to."""
    with pytest.raises(Invalid) as refusal:
        trust(who, events=["push", event])
    assert event in refusal.value.sentence


def test_wrong_audience(who):
    """D4: a token for anybody else, also one that is for us and somebody else."""
    trust(who)
    for aud in ("sts.amazonaws.com", "http://127.0.0.1:8000", "http://127.0.0.1:8000/bank",
                [workloads.AUDIENCE, "sts.amazonaws.com"]):  # fmt: skip
        assert "audience" in refused(workloads.github(aud=aud))
    accepted()


def test_environment_claim_alone(who):
    """D5: whoever writes the workflow names the environment; the ref says whether it counts."""
    with pytest.raises(Invalid):
        trust(who, refs=[], environment="production")
    trust(who, environment="production", environments=[who.staging])
    for changed in (
        {"ref": "refs/heads/feature"},
        {"ref_protected": "false"},
        {"ref": "refs/tags/main"},
        {"environment": "staging"},
    ):
        refused(workloads.github(**{"environment": "production", **changed}))
    claims = workloads.github(environment="production")
    run = {"id": claims["run_id"], "attempt": 1}
    secret = run_token(claims)
    # Which environments of ours it may ask for is ours to say.
    assert code(post(secret, body("production", run=run))) == "foreign-environment"
    assert post(secret, body("staging", run=run)).status_code == 201


def test_issuer_confusion(who, monkeypatch):
    """D6: the issuer and the place of its keys are the trust's; the token's own are not asked."""
    trust(who)
    asked = []
    monkeypatch.setattr("portal.accounts.trusts.keys.send", lambda *a, **k: asked.append(a))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    own = {"jwk": workloads.jwk(key, "own"), "jku": "https://evil.example/keys"}
    for issuer in ("https://evil.example", "https://gitlab.com",
                   "https://token.actions.githubusercontent.com/",
                   "https://token.actions.githubusercontent.com.evil.example"):  # fmt: skip
        refused(workloads.github(iss=issuer), key=key, kid="own", **own)
    refused(workloads.github(), key=key, kid="one", **own)
    # A trust of another system with the same keys takes nothing from this one.
    refused(workloads.gitlab())
    assert not asked
    accepted()


def test_unsigned_or_alg_swap(who, monkeypatch):
    """D7: the algorithm is pinned, an unknown key is refused, keys come from the settings only."""
    made = trust(who)
    monkeypatch.setattr(
        "portal.accounts.trusts.keys.send",
        lambda method, url, *a, **k: pytest.fail(f"asked {url}"),
    )
    type(made).objects.update(keys_tried_at=made.keys_read_at)
    unsigned = jwt.encode(workloads.github(), None, algorithm="none", headers={"kid": "one"})
    for token in (unsigned, unsigned + "x", signed(workloads.github()).rpartition(".")[0] + "."):
        assert exchange(token).status_code == 401
    refused(workloads.github(), algorithm="RS384")
    refused(workloads.github(), key=workloads.CURVE, algorithm="ES256", kid="curve")
    refused(workloads.github(), kid="unknown")
    accepted()


@pytest.mark.parametrize("preset", CLAIMS)
def test_token_replay(who, preset):
    """D8: once. The same `jti` in a new token counts as used too, and with none all of it does."""
    trust(who, preset)
    claims = CLAIMS[preset]()
    first = signed(claims)
    assert exchange(first).status_code == 200
    replays = [first]
    if "jti" in claims:
        replays.append(signed({**claims, "exp": claims["exp"] + 1}))
    for token in replays:
        again = exchange(token)
        assert (again.status_code, code(again)) == (401, "token-used")
    assert ProjectToken.objects.filter(trust__isnull=False).count() == 1


def test_token_replay_at_another_trust_of_the_project(who):
    """D8: archiving a trust, or having two, does not make a token new."""
    one = trust(who, name="one")
    token = signed(workloads.github())
    assert exchange(token).status_code == 200
    archive_trust(by=who.admin, trust=one)
    trust(who, name="two")
    assert code(exchange(token)) == "token-used"


@pytest.mark.parametrize("preset", ["github", "gitlab"])
def test_token_without_a_number(who, preset):
    """D8: a system that numbers its tokens did not make this one."""
    trust(who, preset)
    claims = CLAIMS[preset]()
    del claims["jti"]
    refused(claims)


def asked_by(claims):
    run = {"id": claims["run_id"], "attempt": int(claims["run_attempt"])}
    secret = run_token(claims)
    answer = post(secret, body(run=run))
    assert answer.status_code == 201, answer.content
    return secret, Request.objects.get(pk=answer.json()["id"])


def test_cross_run_pickup(who):
    """D9: the decision is there for the run attempt that asked, and for no other."""
    trust(who)
    secret, request = asked_by(workloads.github())
    decide(request, who.alice)
    run = {"id": "8812", "attempt": 1}
    others = [
        run_token(workloads.github(run_id="8813")),
        run_token(workloads.github(run_attempt="2")),
    ]
    for other in others:
        for method, path, wish in (
            ("get", "", None),
            ("get", "/stream", None),
            ("post", "/redeem", {"run": run, "digest": request.digest}),
            ("post", "/withdraw", {"run": run}),
        ):
            answer = call(other, method, f"/requests/{request.pk}{path}", wish)
            assert (answer.status_code, code(answer)) == (404, "not-found"), path
    permit = redeem(secret, request)
    assert permit.status_code == 200, permit.content
    for other in others:
        beat = call(other, "post", f"/permits/{permit.json()['permit']['id']}/heartbeat",
                    {"run": run})  # fmt: skip
        assert beat.status_code == 404


def test_cross_run_pickup_with_a_project_token(who):
    """D9: a stolen token of the same account, with the run's own words, is not the run."""
    trust(who)
    secret, request = asked_by(workloads.github())
    decide(request, who.alice)
    _, stolen = issue_token(by=who.admin, account=who.account, scopes=["request"])
    assert redeem(stolen, request).status_code == 403
    assert call(stolen, "get", f"/requests/{request.pk}").status_code == 403
    again = post(stolen, body(run=request.run), key=request.idempotency_key)
    assert code(again) == "idempotency-mismatch"
    assert redeem(secret, request).status_code == 200


def test_cross_run_pickup_by_the_same_number_elsewhere(who):
    """D9: run 8812 of GitHub is not job 8812 of GitLab, though both act as one account."""
    trust(who)
    trust(who, "gitlab")
    _, request = asked_by(workloads.github())
    other = run_token(workloads.gitlab(job_id="8812"))
    assert call(other, "get", f"/requests/{request.pk}").status_code == 404
    again = post(other, body(run=request.run), key=request.idempotency_key)
    assert code(again) == "idempotency-mismatch"


def test_only_administrators_trust_what_is_inside_the_network(who):
    """D6: the place of the keys is no way into the network."""
    from portal.access import grant_role
    from portal.kernel.errors import Forbidden

    grant_role(by=who.admin, to=who.carol, role="maintainer", target=who.project)
    wanted = {
        **workloads.WANTED["gitlab"],
        "account": who.account,
        "preset": "gitlab",
        "issuer": "http://gitlab.internal",
        "algorithm": "RS256",
        "private": True,
    }
    with pytest.raises(Forbidden):
        create_trust(by=who.carol, name="inside", **wanted)
    assert create_trust(by=who.admin, name="inside", **wanted).private
    with pytest.raises(Invalid):
        create_trust(by=who.carol, name="clear", **{**wanted, "private": False})
