"""A cluster runs an image only with a permit for its digest there; whatever is unclear is no."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from approvals.lifecycle.finish import finish_permit, heartbeat
from approvals.states import PermitStatus
from portal.accounts.authentication import issue_token, revoke_token
from portal.directory.environments import archive_environment
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.factories import COMMIT, ask, backdate, decide, redeem

pytestmark = pytest.mark.django_db
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
IMAGE = f"registry.example/shop/web:4.18@{DIGEST}"
STRANGE = f"registry.example/shop/web@{OTHER}"


def pod_spec(*images, **more):
    containers = [{"name": f"c{place}", "image": one} for place, one in enumerate(images)]
    return {"containers": containers, **more}


def pod(*images, **more):
    return {"kind": "Pod", "spec": pod_spec(*images, **more)}


def templated(kind, spec):
    return {"kind": kind, "spec": {"template": {"spec": spec}}}


def review(found, operation="CREATE", **more):
    """An AdmissionReview as the API server sends it."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": found["kind"]},
            "namespace": "shop",
            "operation": operation,
            "object": None if operation == "DELETE" else found,
            "oldObject": found if operation == "DELETE" else None,
            "dryRun": False,
            **more,
        },
    }


def send(body, secret="", path="/admission/"):
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    text = body if isinstance(body, bytes) else json.dumps(body)
    return Client().post(path, text, content_type="application/json", headers=headers)


@pytest.fixture
def token(who):
    """`(token, secret)` of a cluster: it may ask about these environments, production if none."""

    def make(*environments, scopes=("admit",)):
        return issue_token(
            by=who.admin,
            account=who.account,
            scopes=list(scopes),
            environments=environments or [who.production],
        )

    return make


@pytest.fixture
def answer(token):
    """What the cluster of production is answered."""
    _, secret = token()

    def act(found, operation="CREATE", **more):
        response = send(review(found, operation, **more), secret)
        assert response.status_code == 200, response.content
        said = response.json()
        assert (said["apiVersion"], said["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        assert said["response"]["uid"] == "705ab4f5-6393-11e8-b7cc-42010a800002"
        return said["response"]

    return act


@pytest.fixture
def allow(who):
    """A permit to deploy an artifact to production, just given."""

    def make(digest=DIGEST, environment="production", **fields):
        subject = {"commit": COMMIT, "artifact": digest}
        request = ask(who, environment, subject=subject, **fields)
        if request.status == "pending":
            decide(request, who.alice)
        return redeem(who, request)

    return make


def no(response, *words):
    assert response["allowed"] is False
    assert response["status"]["code"] == 403
    for word in words:
        assert word in response["status"]["message"]
    return True


def test_an_image_runs_only_with_a_permit_for_its_digest(answer, allow):
    no(answer(pod(IMAGE)), "No permit to deploy", IMAGE, "shop / production")
    permit = allow()
    said = answer(pod(IMAGE))
    assert said["allowed"] is True
    assert said["auditAnnotations"] == {"permits": str(permit.id)}
    no(answer(pod(STRANGE)), STRANGE)


@pytest.mark.parametrize(
    "shape",
    [
        lambda spec: {"kind": "Pod", "spec": spec},
        lambda spec: templated("Deployment", spec),
        lambda spec: templated("StatefulSet", spec),
        lambda spec: templated("Job", spec),
        lambda spec: {"kind": "PodTemplate", "template": {"spec": spec}},
        lambda spec: {
            "kind": "CronJob",
            "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}},
        },
    ],
    ids=["Pod", "Deployment", "StatefulSet", "Job", "PodTemplate", "CronJob"],
)
def test_every_kind_of_workload_and_every_place_of_an_image_is_read(answer, allow, shape):
    allow()
    assert answer(shape(pod_spec(IMAGE)))["allowed"]
    assert answer(shape(pod_spec(IMAGE, initContainers=[{"image": IMAGE}])))["allowed"]
    for hidden in (
        {"initContainers": [{"name": "set-up", "image": STRANGE}]},
        {"ephemeralContainers": [{"name": "debug", "image": STRANGE}]},
        {"volumes": [{"name": "files", "image": {"reference": STRANGE}}]},
    ):
        no(answer(shape(pod_spec(IMAGE, **hidden))), STRANGE)
    no(answer(shape(pod_spec(IMAGE, STRANGE))), STRANGE)


@pytest.mark.parametrize(
    "image",
    [
        "registry.example/shop/web:4.18",
        f"web@sha256:{'a' * 63}",
        f"web@sha256:{'A' * 64}",
        f"web@sha512:{'a' * 128}",
        f"@{DIGEST}",
        f"web@{DIGEST}@{OTHER}",
        f"web@{DIGEST}\n",
        DIGEST,
    ],
)
def test_an_image_without_a_digest_is_refused_with_what_to_do(answer, allow, image):
    allow()
    no(answer(pod(IMAGE, image)), "NAME@sha256:")


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "Pod"},
        {"kind": "Pod", "spec": "x"},
        {"kind": "Pod", "spec": {"containers": []}},
        {"kind": "Pod", "spec": {"containers": {"image": IMAGE}}},
        {"kind": "Pod", "spec": {"containers": [IMAGE]}},
        {"kind": "Pod", "spec": {"containers": [{"name": "none"}]}},
        {"kind": "Pod", "spec": {"containers": [{"image": 5}]}},
        pod(IMAGE, volumes=[{"image": {}}]),
        {"kind": "Deployment", "spec": pod_spec(IMAGE)},
        {"kind": "Rollout", "spec": pod_spec(IMAGE)},
    ],
    ids=str,
)
def test_what_cannot_be_read_does_not_run(answer, allow, broken):
    allow()
    no(answer(broken))


def test_a_permit_counts_while_it_may_begin_runs_or_has_succeeded(who, answer, allow):
    def end(permit, outcome):
        act = {"token": who.token, "permit_id": permit.id, "run_id": permit.request.run["id"]}
        act |= {"run_attempt": 1}
        heartbeat(**act, starter="")
        assert answer(pod(IMAGE))["allowed"], "while it runs"
        finish_permit(**act, outcome=PermitStatus(outcome), exit_code=int(outcome == "failed"))

    end(allow(), "failed")
    no(answer(pod(IMAGE)), "No permit")
    over = allow()
    assert answer(pod(IMAGE))["allowed"], "it may begin"
    backdate(over, expires_at=now() - timedelta(seconds=1))
    no(answer(pod(IMAGE)), "No permit")
    end(allow(), "succeeded")
    assert answer(pod(IMAGE))["allowed"], "pods start again when a node goes away"


def test_an_approval_that_was_not_redeemed_is_no_permit(who, answer):
    request = ask(who, subject={"commit": COMMIT, "artifact": DIGEST})
    no(answer(pod(IMAGE)), "No permit")
    assert decide(request, who.alice).status == "approved"
    no(answer(pod(IMAGE)), "No permit")


def test_a_permit_for_another_place_or_action_does_not_count(who, answer, allow, token):
    allow(environment="staging")
    allow(action="scan")
    no(answer(pod(IMAGE)), "No permit")
    _, both = token(who.staging, who.production)
    assert send(review(pod(IMAGE)), both).json()["response"]["allowed"]
    archive_environment(by=who.admin, environment=who.staging)
    no(send(review(pod(IMAGE)), both).json()["response"], "No permit")


def test_a_dry_run_is_answered_alike_and_nothing_is_written(answer, allow):
    allow()
    before = Entry.objects.count()
    assert answer(pod(IMAGE), dryRun=True)["allowed"]
    no(answer(pod(STRANGE), dryRun=True), STRANGE)
    assert Entry.objects.count() == before


def test_ending_is_never_in_the_way_and_other_operations_are_refused(answer):
    assert answer(pod(STRANGE), "DELETE")["allowed"]
    no(answer(pod(STRANGE), "CONNECT"), "starts no workload")
    no(answer(pod(STRANGE), None))


def test_an_update_is_about_the_images_that_were_not_there(answer, allow):
    old = pod("web:latest")
    assert answer(pod("web:latest"), "UPDATE", oldObject=old)["allowed"], "a label, a finalizer"
    no(answer(pod("web:latest", STRANGE), "UPDATE", oldObject=old), STRANGE)
    debug = {"ephemeralContainers": [{"name": "debug", "image": STRANGE}]}
    no(answer(pod("web:latest", **debug), "UPDATE", oldObject=old), STRANGE)
    no(answer(pod(IMAGE), "UPDATE"), "has no spec")


def test_the_token_may_stand_in_the_address(token, allow):
    _, secret = token()
    allow()
    said = send(review(pod(IMAGE)), path=f"/admission/{secret}/")
    assert said.json()["response"]["allowed"]


def test_no_answer_without_a_token_made_for_it(who, token, allow):
    allow()
    wanted = review(pod(IMAGE))
    known, secret = token()
    assert send(wanted, secret).json()["response"]["allowed"]
    revoke_token(by=who.admin, token=known)
    wide = issue_token(by=who.admin, account=who.account, scopes=["admit"])[1]
    for wrong, status in (
        ("", 401),
        ("cst_nobody", 401),
        (secret, 401),
        (token(scopes=("request", "read"))[1], 403),
        (wide, 403),
    ):
        response = send(wanted, wrong)
        assert response.status_code == status, wrong
        assert response["Content-Type"] == "application/problem+json"
    assert send(wanted, path="/admission/cst_nobody/").status_code == 401
    assert Client().get("/admission/").status_code == 405


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        ({"request": {"uid": "1"}}, 422),
        ({**review(pod(IMAGE)), "apiVersion": "admission.k8s.io/v1beta1"}, 422),
        ({**review(pod(IMAGE)), "request": None}, 422),
        (review(pod(IMAGE), uid=5), 422),
        (b" " * (7 * 1024 * 1024 + 1), 413),
    ],
    ids=["half", "list", "bare", "beta", "none", "uid", "long"],
)
def test_what_is_no_review_is_no_answer(token, body, status):
    assert send(body, token()[1]).status_code == status
