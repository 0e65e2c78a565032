"""Calls that wait, through the portal's own server: they wake at once and give up in time."""

import threading
import time
from contextlib import closing

import pytest

from approvals.lifecycle.decide import record_decision
from approvals.models import Permit, Request
from portal.access import grant_role
from portal.accounts.authentication import revoke_token
from tests.api import body
from tests.attacks.surfaces import browser
from tests.factories import ask, decide
from tests.races.together import agree
from tests.server import eventually

# A parked call reads by itself every 15 s; what wakes it must be far quicker, however loaded.
SOON = 5.0


@pytest.fixture
def api(portal_server, committed):
    """Calls of the company's pipeline."""

    def call(method, path, wish=None, *, secret=committed.secret, **headers):
        return portal_server.call(method, f"/api/v1{path}", wish, secret=secret, **headers)

    return call


class Parked:
    """A call that waits in a thread of its own."""

    def __init__(self, call):
        self.answer = None
        self.ended = 0.0
        self._thread = threading.Thread(target=self._run, args=[call], daemon=True)
        self._thread.start()

    def _run(self, call):
        self.answer = call()
        self.ended = time.monotonic()

    @property
    def waits(self):
        return self._thread.is_alive()

    def result(self, seconds=30.0):
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the call still waits"
        return self.answer


def parked(call):
    """Start it and give it time to be parked."""
    found = Parked(call)
    time.sleep(0.4)
    assert found.waits, found.answer
    return found


def test_a_wait_returns_at_once_when_there_is_something_newer(api, committed):
    request = ask(committed)
    answer = api("GET", f"/requests/{request.id}?wait=55&after={request.version - 1}")
    assert (answer.status, answer.json["version"]) == (200, request.version)
    assert answer.headers["countersign-version"] == str(request.version)
    assert answer.seconds < SOON


def test_a_wait_returns_the_same_when_time_is_up(api, committed):
    request = ask(committed)
    answer = api("GET", f"/requests/{request.id}?wait=1&after={request.version}")
    assert (answer.status, answer.json["version"]) == (200, request.version)
    assert 0.9 < answer.seconds < 1 + SOON


def test_a_wait_wakes_with_the_decision(api, committed):
    request = ask(committed)
    waiting = parked(lambda: api("GET", f"/requests/{request.id}?wait=55&after={request.version}"))
    decide(request, committed.alice)
    decided = time.monotonic()
    assert waiting.result().json["status"] == "approved"
    assert waiting.ended - decided < SOON


def test_many_waits_wake_together(api, committed):
    request = ask(committed)
    path = f"/requests/{request.id}?wait=55&after={request.version}"
    waiting = [Parked(lambda: api("GET", path)) for _ in range(20)]
    time.sleep(1.0)
    assert all(one.waits for one in waiting)
    decide(request, committed.alice)
    assert {one.result().json["status"] for one in waiting} == {"approved"}


@pytest.mark.parametrize(
    "query", ["wait=61", "wait=-1", "wait=x", "wait=", "wait=1&after=-1", "wait=1&after=x",
              "wait=1.5", "wait=%D9%A3", "wait=99999999999999999999"],
)  # fmt: skip
def test_bad_times_are_invalid(api, committed, query):
    answer = api("GET", f"/requests/{ask(committed).id}?{query}")
    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_parked_call_is_refused_like_any_other(api, committed):
    request = ask(committed)
    nobody = "01a20ae7-5406-70fd-bb79-97d5d69526cb"
    for path in (f"/requests/{request.id}?wait=5", f"/requests/{request.id}/stream"):
        answer = api("GET", path, secret="cst_" + "0" * 12 + "_" + "0" * 64)
        assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
        answer = api("GET", path.replace(str(request.id), nobody))
        assert (answer.status, answer.json["code"]) == (404, "not-found")


def test_a_token_revoked_while_a_call_waits_gets_nothing(api, committed):
    """The right is read at every read, not when the call was parked."""
    request = ask(committed)
    waiting = parked(lambda: api("GET", f"/requests/{request.id}?wait=55&after={request.version}"))
    revoke_token(by=committed.admin, token=committed.token)
    decide(request, committed.alice)
    answer = waiting.result()
    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
    assert b"approved" not in answer.body


def test_a_stream_carries_ids_only(portal_server, committed):
    request = ask(committed, reason="A secret reason")
    authorization = {"Authorization": f"Bearer {committed.secret}"}
    with closing(
        portal_server.stream(f"/api/v1/requests/{request.id}/stream", **authorization)
    ) as stream:
        assert stream.response.status == 200
        assert stream.response.getheader("Content-Type").startswith("text/event-stream")
        first = stream.event()
        decide(request, committed.alice)
        second = stream.event()
    for event, version in ((first, request.version - 1), (second, request.version)):
        assert event == {
            "id": str(version),
            "event": "request",
            "data": f'{{"id":"{request.id}","version":{version}}}',
        }


def test_the_live_stream_of_a_page_is_the_readers_own(portal_server, committed):
    """Ids of requests this person may see, and nothing for nobody or for another site."""
    request = ask(committed)
    assert portal_server.call("GET", "/live").status == 401
    cookie = browser(committed.alice).cookies["countersign_session"].OutputString().split(";")[0]
    elsewhere = portal_server.call("GET", "/live", Cookie=cookie, Origin="https://evil.example")
    assert elsewhere.status == 403
    outsider = browser(committed.mallory).cookies["countersign_session"]
    with (
        closing(portal_server.stream("/live", Cookie=cookie)) as own,
        closing(
            portal_server.stream("/live", Cookie=f"countersign_session={outsider.value}")
        ) as theirs,
    ):
        assert own.event()["event"] == theirs.event()["event"] == "resync"
        decide(request, committed.bob)
        event = own.event()
        assert event["event"] == "request"
        assert str(request.id) in event["data"]
        assert "approve" not in event["data"]
        theirs.response.fp.raw._sock.settimeout(1.0)
        with pytest.raises(OSError, match="timed out"):
            theirs.event()


def test_who_sees_one_environment_has_its_news_and_no_other(portal_server, committed):
    """Live, and again after a gap, by the same rule as the pages."""
    grant_role(by=committed.admin, to=committed.mallory, role="viewer", target=committed.staging)
    theirs = browser(committed.mallory).cookies["countersign_session"]
    cookie = f"countersign_session={theirs.value}"
    with closing(portal_server.stream("/live", Cookie=cookie)) as stream:
        assert stream.event()["event"] == "resync"
        hidden, seen = ask(committed), ask(committed, "staging")
        event = stream.event()
        assert str(seen.id) in event["data"]
    with closing(
        portal_server.stream("/live", **{"Cookie": cookie, "Last-Event-ID": event["id"]})
    ) as again:
        first = again.event()
        assert str(seen.id) in first["data"]
        assert str(hidden.id) not in first["data"]


def test_the_gate_waits_and_goes_with_the_decision(api, committed):
    """One call of curl: it is parked, and answers 200 with the permit when people approved."""
    wish = body()
    waiting = parked(lambda: api("POST", "/gate", wish, Accept="text/plain"))
    request = Request.objects.get()
    decide(request, committed.alice)
    decided = time.monotonic()
    answer = waiting.result()
    assert answer.status == 200
    assert answer.body.startswith(b"go permit ")
    assert waiting.ended - decided < SOON
    assert agree(request).status == "redeemed"


def test_the_gate_waits_and_says_no(api, committed):
    waiting = parked(lambda: api("POST", "/gate", body()))
    decide(Request.objects.get(), committed.bob, "reject", "Not today")
    answer = waiting.result()
    assert (answer.status, answer.json["code"]) == (403, "not-approved")


def test_a_gate_whose_caller_went_away_costs_nothing(portal_server, api, committed):
    """The caller hangs up and comes again with the same body: one request, one permit."""
    wish = body()
    with pytest.raises(OSError, match="timed out"):
        portal_server.call("POST", "/api/v1/gate", wish, secret=committed.secret, timeout=1.0)
    request = Request.objects.get()
    waiting = parked(lambda: api("POST", "/gate", wish))
    decide(request, committed.alice)
    assert waiting.result().status == 200
    assert Request.objects.count() == Permit.objects.count() == 1


def test_a_gate_with_a_bad_body_is_not_parked(api):
    for wish, status in (({}, 422), (b"{", 400), (b"x" * 70_000, 413)):
        answer = api("POST", "/gate", wish, Content_Type="application/json")
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.seconds < SOON


@pytest.mark.parametrize("size", [65 * 1024, 2 * 1024 * 1024, 11 * 1024 * 1024])
def test_a_huge_body_is_too_large_for_the_server_too(api, size):
    answer = api("POST", "/requests", b"x" * size, Content_Type="application/json",
                 Idempotency_Key="k")  # fmt: skip
    assert (answer.status, answer.json["code"]) == (413, "too-large")


def test_nothing_is_lost_between_the_answer_and_the_wait(api, committed):
    """A decision in the very moment between submit and wait is still seen."""
    for delay in (0.0, 0.005, 0.02, 0.05):
        answer = api("POST", "/requests", body(), Idempotency_Key=f"k-{delay}")
        request = Request.objects.get(pk=answer.json["id"])
        waiting = Parked(
            lambda r=request: api("GET", f"/requests/{r.id}?wait=55&after={r.version}")
        )
        time.sleep(delay)
        record_decision(
            by=committed.alice, request_id=request.id, outcome="approve", comment="",
            snapshot_digest=request.snapshot.digest,
        )  # fmt: skip
        assert waiting.result().json["status"] == "approved"
        assert waiting.answer.seconds < SOON


def test_the_server_gives_its_connections_back(api, committed):
    """More calls at once than the pool has connections: all are answered."""
    request = ask(committed)
    calls = [Parked(lambda: api("GET", f"/requests/{request.id}")) for _ in range(60)]
    eventually(lambda: not any(one.waits for one in calls), "every call is answered")
    assert {one.answer.status for one in calls} == {200}
