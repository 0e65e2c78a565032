"""Whoever refuses a call of a machine, and however early: it reads the same."""

import pytest
from django.test import Client

from tests.api import code

KEYS = "/.well-known/countersign/keys.json"
OPENAPI = "/api/v1/openapi.json"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
@pytest.mark.parametrize("address", [KEYS, OPENAPI, "/api/v1/docs", "/api/v1/problems"])
def test_what_is_only_read_knows_no_other_method(db, address, method):
    """As a machine calls: no cookies, and no secret of a form."""
    client = Client(enforce_csrf_checks=True)
    assert client.get(address).status_code == 200
    answer = getattr(client, method)(address)
    assert (answer.status_code, code(answer)) == (405, "method-not-allowed")
    assert answer["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", [KEYS, OPENAPI, "/api/v1/requests", "/api/v1/nothing", "/api/"])
def test_a_call_to_another_host_is_refused_with_our_own_address(db, settings, address, method):
    answer = getattr(Client(enforce_csrf_checks=True), method)(address, HTTP_HOST="evil.example")
    assert (answer.status_code, code(answer)) == (400, "bad-header")
    assert settings.PUBLIC_URL in answer.json()["detail"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_forms_of_pages_still_need_their_secret(db):
    answer = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "x"})
    assert answer.status_code == 403
    assert answer["Content-Type"].startswith("text/html")
