"""Whoever refuses a call of a machine, and however early: it reads the same."""

import asyncio
import re
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.test import Client

from approvals.ci.wait import stream_news, wait_for_news
from portal.kernel.ids import new_id
from portal.ledger.listen import Hub
from tests.api import body, call, code, post
from tests.factories import ask

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


@contextmanager
def every_statement_fails(error):
    def fail(*_):
        raise error

    with connection.execute_wrapper(fail):
        yield


AWAY = OperationalError("couldn't get a connection after 10.00 sec")


@pytest.mark.parametrize(
    ("method", "path", "wish"),
    [
        ("get", "/requests/{id}", None),
        ("post", "/requests/{id}/redeem", {"run": {"id": "1"}, "digest": "sha256:" + "0" * 64}),
        ("post", "/requests/{id}/withdraw", {"run": {"id": "1"}}),
        ("post", "/permits/{id}/heartbeat", {"run": {"id": "1"}}),
        ("post", "/gate", body()),
    ],
)
def test_while_the_database_is_away_a_call_is_told_to_come_again(who, method, path, wish):
    address = path.format(id=ask(who).id)
    with every_statement_fails(AWAY):
        answer = call(who.secret, method, address, wish)
    assert (answer.status_code, code(answer)) == (503, "unavailable")
    assert int(answer["Retry-After"]) > 0
    assert "10.00 sec" not in answer.content.decode(), "that is for the log"
    assert call(who.secret, method, address, wish).status_code != 503


def test_the_keys_are_to_be_asked_for_again_too(db):
    with every_statement_fails(AWAY):
        answer = Client().get(KEYS)
    assert (answer.status_code, code(answer)) == (503, "unavailable")
    assert int(answer["Retry-After"]) > 0
    assert Client().get(KEYS).status_code == 200


@pytest.mark.parametrize("parked", [wait_for_news, stream_news])
@pytest.mark.parametrize(
    ("error", "status"), [(AWAY, 503), (ZeroDivisionError("a mistake of ours"), 500)]
)
def test_a_parked_call_is_told_so_too(monkeypatch, parked, error, status):
    def fail(_):
        raise error

    monkeypatch.setattr("approvals.ci.wait.token_of", fail)
    sent = []

    async def send(message):
        sent.append(message)

    async def park():
        scope = {"query_string": b"wait=5", "headers": []}
        watched = {"hub": Hub({}), "in_pool": asyncio.to_thread, "request_id": new_id()}
        await parked(scope, asyncio.Event().wait, send, **watched)

    asyncio.run(park())
    assert sent[0]["status"] == status
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"] == b"application/problem+json"
    assert (b"retry-after" in headers) == (status == 503)


def test_a_failure_names_its_entry_in_the_log(who, caplog):
    with every_statement_fails(ZeroDivisionError("a mistake of ours")):
        answer = post(who.secret, body())
    assert (answer.status_code, code(answer)) == (500, "internal")
    instance = answer.json()["instance"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", instance)
    assert instance in answer.json()["detail"]
    (entry,) = [r for r in caplog.records if instance in r.getMessage()]
    assert entry.exc_info[0] is ZeroDivisionError
    assert "mistake" not in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"HTTP_AUTHORIZATION": "Bearer cst_0"}, 401, "unauthenticated"),
        ({"HTTP_IDEMPOTENCY_KEY": "a b"}, 400, "bad-header"),
        ({"HTTP_HOST": "evil.example"}, 400, "bad-header"),
        ({"data": "{"}, 400, "malformed-json"),
        ({"data": "x" * 70_000}, 413, "too-large"),
        ({"data": "x" * 3_000_000}, 413, "too-large"),
        ({"content_type": "text/plain"}, 415, "unsupported-media-type"),
        ({"data": {}}, 422, "invalid"),
        ({"data": body("nowhere")}, 404, "not-found"),
        ({"data": body(claims={"no.such": 1})}, 422, "invalid"),
        ({"method": "get"}, 405, "method-not-allowed"),
    ],
)
def test_the_gate_refuses_in_one_line_where_one_is_wanted(who, change, status, code):
    def gate(**headers):
        sent = {"data": body(), "content_type": "application/json", **headers, **change}
        method = sent.pop("method", "post")
        return getattr(Client(), method)("/api/v1/gate", **sent)

    sent = {"HTTP_AUTHORIZATION": f"Bearer {who.secret}"}
    as_json = gate(**sent)
    as_text = gate(HTTP_ACCEPT="text/plain", **sent)
    assert (as_json.status_code, as_text.status_code) == (status, status)
    assert as_text["Content-Type"].startswith("text/plain")
    assert as_text.content.decode() == f"no {code}: {as_json.json()['detail']}\n"
    for name in ("WWW-Authenticate", "Allow"):
        assert as_text.get(name) == as_json.get(name)
