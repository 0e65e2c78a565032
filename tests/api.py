"""Calls of /api/v1 through Django's test client, as a pipeline makes them."""

import itertools
import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from approvals.models import Request
from tests.factories import COMMIT

_keys = itertools.count(1)


def call(secret: str, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
    """One call of the API."""
    extra: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {secret}", **headers}
    if body is not None:
        extra |= {"data": json.dumps(body), "content_type": "application/json"}
    return getattr(Client(), method)(f"/api/v1{path}", **extra)


def body(environment: str = "production", **fields: Any) -> dict[str, Any]:
    """A well-formed body of POST /requests, of a new run."""
    return {
        "project": "shop",
        "environment": environment,
        "action": "deploy",
        "subject": {"commit": COMMIT, "ref": "refs/heads/main"},
        "run": {"id": f"run-{next(_keys)}", "attempt": 1},
        **fields,
    }


def post(secret: str, wish: dict[str, Any], key: str = "") -> HttpResponse:
    """POST /requests with an idempotency key of its own."""
    return call(
        secret,
        "post",
        "/requests",
        wish,
        HTTP_IDEMPOTENCY_KEY=key or f"key-{next(_keys)}",
    )


def code(response: HttpResponse) -> str:
    """The stable code of a problem+json answer."""
    assert response["Content-Type"] == "application/problem+json", response.content[:200]
    return str(response.json()["code"])


def redeem(secret: str, request: Request, **changed: Any) -> HttpResponse:
    """Redeem as the run that asked, or with something changed."""
    run = {"id": request.run["id"], "attempt": request.run["attempt"]}
    wish = {"run": run, "digest": request.digest, **changed}
    return call(secret, "post", f"/requests/{request.id}/redeem", wish)
