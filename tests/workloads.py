"""An issuer of workload tokens on this machine, and claim sets as the real systems make them.

The names and shapes are those that the systems document; nothing was recorded from a live one.
"""

import itertools
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.http import HttpResponse
from django.test import Client

from portal.accounts.trusts.configure import create_trust
from portal.accounts.trusts.models import Trust
from portal.accounts.trusts.verify import usable_keys
from portal.kernel.clock import now

_numbers = itertools.count(1)
AUDIENCE = "http://127.0.0.1:8000/shop"
REPOSITORY = "74201"
PIPELINE = "018e2c1d-0c4b-4f4e-8f6a-0d2f6a0c9b11"
CIRCLE = "b0d1c8a2-6a0f-4f2c-9a55-0f9e1a7d4e02"
CIRCLE_ISSUER = "https://oidc.circleci.com/org/5c1b7a2e-6f0d-4a51-8b8e-2f6f1c3f9d10"
CLUSTER = "https://cluster.example"
WORKLOAD = "6f9e1d2c-3b4a-4c5d-8e7f-9a0b1c2d3e4f"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def jwk(key, kid):
    """The public key as a key set lists it."""
    kind = jwt.algorithms.RSAAlgorithm if hasattr(key, "decrypt") else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


def key_set(*pairs):
    """`{"keys": [...]}` of these (key, kid)."""
    return {"keys": [jwk(key, kid) for key, kid in pairs]}


KEYS = key_set((KEY, "one"), (CURVE, "curve"))


def signed(claims, key=KEY, *, algorithm="RS256", kid="one", **header):
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid, **header})


def _times(**changed):
    at = int(time.time())
    return {"iat": at, "nbf": at, "exp": at + 300, "aud": AUDIENCE, **changed}


def github(**changed):
    """A push to main; the attempt is text, as there."""
    return {
        **_times(),
        "iss": "https://token.actions.githubusercontent.com",
        "sub": "repo:octo-org/shop:ref:refs/heads/main",
        "jti": f"github-{next(_numbers)}",
        "repository": "octo-org/shop",
        "repository_id": REPOSITORY,
        "repository_owner": "octo-org",
        "repository_owner_id": "65",
        "repository_visibility": "private",
        "actor": "ana",
        "actor_id": "12",
        "run_id": "8812",
        "run_number": "10",
        "run_attempt": "1",
        "head_ref": "",
        "base_ref": "",
        "event_name": "push",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "ref_protected": "true",
        "sha": "1" * 40,
        "workflow": "deploy",
        "workflow_ref": "octo-org/shop/.github/workflows/deploy.yml@refs/heads/main",
        "job_workflow_ref": "octo-org/shop/.github/workflows/deploy.yml@refs/heads/main",
        "runner_environment": "github-hosted",
        **changed,
    }


def gitlab(**changed):
    """A push to main at gitlab.com."""
    return {
        **_times(),
        "iss": "https://gitlab.com",
        "sub": "project_path:octo/shop:ref_type:branch:ref:main",
        "jti": f"gitlab-{next(_numbers)}",
        "namespace_id": "72",
        "namespace_path": "octo",
        "project_id": REPOSITORY,
        "project_path": "octo/shop",
        "job_project_id": REPOSITORY,
        "user_id": "1",
        "user_login": "ana",
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        "ref_protected": "true",
        "runner_id": 1,
        "sha": "1" * 40,
        "ci_config_ref_uri": "gitlab.com/octo/shop//.gitlab-ci.yml@refs/heads/main",
        **changed,
    }


def buildkite(**changed):
    """A build of main; the pipeline's id is there because the job asked for that claim."""
    return {
        **_times(),
        "iss": "https://agent.buildkite.com",
        "sub": "organization:octo:pipeline:shop:ref:refs/heads/main:commit:1:step:deploy",
        "organization_slug": "octo",
        "pipeline_slug": "shop",
        "pipeline_id": PIPELINE,
        "build_number": 5,
        "build_branch": "main",
        "build_tag": "",
        "build_commit": "1" * 40,
        "step_key": "deploy",
        "job_id": f"0184990a-477b-4fa8-9968-{next(_numbers):012d}",
        "agent_id": "0184990a-4782-42b5-afc1-16715b10b8ff",
        **changed,
    }


def circleci(**changed):
    """A job of main."""
    about = "oidc.circleci.com"
    return {
        **{name: value for name, value in _times().items() if name != "nbf"},
        "iss": CIRCLE_ISSUER,
        "sub": f"org/5c1b/project/{CIRCLE}/user/9d",
        f"{about}/project-id": CIRCLE,
        f"{about}/job-id": f"0d8f1f7e-6f1f-4f6a-8b70-{next(_numbers):012d}",
        f"{about}/workflow-id": "76fa9ffc-f1ae-48b5-b1c6-8a16e6bf1d53",
        f"{about}/vcs-origin": "github.com/octo-org/shop",
        f"{about}/vcs-ref": "refs/heads/main",
        f"{about}/ssh-rerun": False,
        **changed,
    }


def kubernetes(**changed):
    """A token of a pod's service account: one audience, as a list."""
    return {
        **_times(aud=[AUDIENCE]),
        "iss": CLUSTER,
        "sub": "system:serviceaccount:shop:deployer",
        "jti": f"kubernetes-{next(_numbers)}",
        "kubernetes.io": {
            "namespace": "shop",
            "pod": {"name": "deployer-1", "uid": f"2d6f0c1a-0000-4000-8000-{next(_numbers):012d}"},
            "serviceaccount": {"name": "deployer", "uid": WORKLOAD},
        },
        **changed,
    }


CLAIMS = {
    "github": github,
    "gitlab": gitlab,
    "buildkite": buildkite,
    "circleci": circleci,
    "kubernetes": kubernetes,
}

# What a trust of each preset names, beside its account.
WANTED = {
    "github": {"source": REPOSITORY, "refs": ["refs/heads/main"], "events": ["push"]},
    "gitlab": {"source": REPOSITORY, "refs": ["refs/heads/main"], "events": ["push"]},
    "buildkite": {"source": PIPELINE, "refs": ["refs/heads/main"]},
    "circleci": {"source": CIRCLE, "refs": ["refs/heads/main"], "issuer": CIRCLE_ISSUER},
    "kubernetes": {"source": WORKLOAD, "issuer": CLUSTER},
    "any": {
        "issuer": "https://issuer.example",
        "keys_url": "https://issuer.example/keys",
        "claims": {"workspace_id": "ws-1"},
        "run_claim": "run",
    },
}


def trust(who: Any, preset: str = "github", *, keys: Any = KEYS, **changed: Any) -> Trust:
    """A trust of shop's bot, with the keys of the issuer as if they were just read."""
    wanted = {"name": preset, "algorithm": "RS256", **WANTED[preset], **changed}
    made = create_trust(by=who.admin, account=who.account, preset=preset, **wanted)
    if keys:
        made.keys, made.keys_read_at = usable_keys(keys, made.algorithm), now()
        made.save()
    return made


def exchange(token: str, project: str = "shop") -> HttpResponse:
    """POST /token as a job does."""
    body = {"project": project, "token": token}
    return Client().post("/api/v1/token", body, content_type="application/json")


def run_token(claims: dict[str, Any]) -> str:
    """The run token that a signed token with these claims is good for."""
    answer = exchange(signed(claims))
    assert answer.status_code == 200, answer.content
    return answer.json()["token"]
