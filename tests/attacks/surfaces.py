"""The page as a surface of attacks; the API is in tests/api.py."""

from typing import Any

from django.http import HttpResponse
from django.test import Client

from approvals.models import Request


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
