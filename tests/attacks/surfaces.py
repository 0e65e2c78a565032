"""The surfaces an attack can come through: the page, with a session; the API, with a token."""

import itertools
import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from approvals.models import Request
from tests.factories import COMMIT

_keys = itertools.count(1)


def browser(person: Any, *, checks_csrf: bool = False) -> Client:
    """A browser in which `person` is signed in."""
    client = Client(enforce_csrf_checks=checks_csrf)
    client.force_login(person)
    return client


def vote(
    person: Any,
    request: Request,
    outcome: str = "approve",
    comment: str = "Looks right",
    **fields: str,
) -> HttpResponse:
    """Press a button on the page as it is now; 303 when the decision was recorded."""
    request.refresh_from_db()
    form = {"outcome": outcome, "comment": comment, "snapshot": request.snapshot.digest, **fields}
    return browser(person).post(f"/requests/{request.id}/decide", form)


def approved_by(person: Any, request: Request) -> Request:
    """Approved on the page by somebody who may: what every refusal is compared with."""
    response = vote(person, request)
    assert response.status_code == 303, response.content.decode()
    request.refresh_from_db()
    assert request.status == "approved"
    return request


def refused(response: HttpResponse, status: int, words: str) -> None:
    """The answer is a refusal, for the reason meant and no other."""
    assert response.status_code == status, response.content.decode()[:500]
    assert words in response.content.decode(), response.content.decode()


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
        secret, "post", "/requests", wish, HTTP_IDEMPOTENCY_KEY=key or f"attack-{next(_keys)}"
    )


def code(response: HttpResponse) -> str:
    """The stable code of a problem+json answer."""
    assert response["Content-Type"] == "application/problem+json", response.content
    return str(response.json()["code"])


def redeem(secret: str, request: Request, **changed: Any) -> HttpResponse:
    """Redeem as the run that asked, or with something changed."""
    run = {"id": request.run["id"], "attempt": request.run["attempt"]}
    wish = {"run": run, "digest": request.digest, **changed}
    return call(secret, "post", f"/requests/{request.id}/redeem", wish)
