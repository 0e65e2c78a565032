"""Nothing but a whole, fitting permit may ever start the command."""

import base64
import json
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.client.portal_double import (
    DIGEST,
    REQUEST,
    TOKEN,
    Answer,
    Double,
    HangUp,
    a_permit,
    a_receipt,
    a_request,
    problem,
    stamp,
)

ELSEWHERE = "http://127.0.0.1:9/somewhere"

NO_ANSWERS = {
    "502 by a proxy": Answer(502, b"<h1>Bad gateway</h1>", "text/html"),
    "503 of the portal": problem(503, "unavailable"),
    "429": problem(429, "rate-limited", Retry_After="1"),
    "a login page": Answer(200, b"<form>Sign in</form>", "text/html"),
    "a login page that says JSON": Answer(200, b"<form>Sign in</form>"),
    "a 403 page of a proxy": Answer(403, b"<h1>Forbidden</h1>", "text/html"),
    "a 403 without a code": Answer(403, {"message": "go away"}),
    "an empty answer": Answer(200, b""),
    "no content": Answer(204, b""),
    "a hang-up": HangUp(),
    "a list": Answer(200, [{"status": "approved"}]),
    "a string": Answer(200, "approved"),
    "the word null": Answer(200, None),
    "deep nesting": Answer(200, b"[" * 200000),
    "two documents": Answer(200, b"{}{}"),
    "no UTF-8": Answer(200, b'{"id": "\xff\xfe"}'),
    "a redirect": Answer(302, b"", Location=ELSEWHERE),
    "a redirect that keeps the method": Answer(307, b"", Location=ELSEWHERE),
}


def half(answer):
    """The same answer broken off in the middle, under its full length."""
    return Answer(answer.status, answer.raw[: len(answer.raw) // 2], declared=len(answer.raw))


def short(answer):
    """The same answer cut, and honest about its length: only the JSON shows it."""
    return Answer(answer.status, answer.raw[:-1])


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer_to_the_question_never_runs_the_command(double, client, name):
    double.on("ask", NO_ANSWERS[name]).on("redeem", a_permit())
    done = client.gate("--retry-for", "0s")
    assert (done.returncode, client.ran()) == (69, False), done.stderr
    assert double.count("redeem") == 0


@pytest.mark.parametrize("name", ["502 by a proxy", "a login page that says JSON", "a hang-up"])
def test_what_is_no_answer_to_redeem_never_runs_the_command(double, client, name):
    double.on("ask", a_request("approved")).on("redeem", NO_ANSWERS[name])
    done = client.gate("--timeout", "0s")
    assert (done.returncode, client.ran()) == (69, False), done.stderr


@pytest.mark.parametrize("cut", [half, short])
def test_half_an_answer_never_runs_the_command(double, client, cut):
    double.on("ask", cut(a_request("approved"))).on("redeem", a_permit())
    assert client.gate("--retry-for", "0s").returncode == 69
    double.on("ask", a_request("approved")).on("redeem", cut(a_permit()))
    assert client.gate("--timeout", "0s").returncode == 69
    assert not client.ran()


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 7},
        {"id": "../../x"},
        {"id": None},
        {"status": True},
        {"status": "APPROVED"},
        {"status": "approved "},
        {"status": "go"},
        {"status": ["approved"]},
        {"version": "3"},
        {"version": True},
        {"round": None},
        {"digest": "d1"},
        {"digest": "sha256:" + "D1" * 32},
        {"url": 5},
        {"summary": {}},
        {"drift": "none"},
    ],
    ids=str,
)
def test_a_field_of_the_wrong_type_is_no_answer(double, client, wrong):
    answer = a_request(**{"status": "approved", **wrong})
    double.on("ask", answer).on("redeem", a_permit())
    done = client.gate("--retry-for", "0s")
    assert (done.returncode, client.ran()) == (69, False), done.stderr


def without(field):
    body = json.loads(a_permit().raw)
    holder = body if field in body else body["permit"]
    del holder[field]
    return Answer(200, body)


UNREADABLE_PERMITS = {
    "no permit": without("permit"),
    "no receipt": without("receipt"),
    "no id": without("id"),
    "no status": without("status"),
    "no expiry": without("expires_at"),
    "no interval": without("heartbeat_seconds"),
    "a path as id": a_permit(id="x/../y"),
    "status as a number": a_permit(status=1),
    "an expiry without a zone": a_permit(expires_at="2999-01-01T00:00:00"),
    "an expiry elsewhere": a_permit(expires_at="2999-01-01T00:00:00+05:00"),
    "an expiry as a number": a_permit(expires_at=4102444800),
    "no heartbeats": a_permit(heartbeat_seconds=0),
    "an interval as text": a_permit(heartbeat_seconds="30"),
    "a receipt as text": a_permit(receipt="trust me"),
    "a receipt without payload": a_permit(receipt={"payloadType": "x"}),
    "a receipt of another type": a_permit(receipt=a_receipt(payload_type="text/plain")),
    "a payload that is no base64": a_permit(receipt={**a_receipt(), "payload": "*"}),
    "a payload that is no JSON": a_permit(
        receipt={**a_receipt(), "payload": base64.b64encode(b"approved").decode()}
    ),
    "a receipt without expiry": a_permit(receipt=a_receipt(expiresAt=None)),
}


@pytest.mark.parametrize("name", UNREADABLE_PERMITS)
def test_a_permit_that_cannot_be_read_in_full_is_no_answer(double, client, name):
    double.on("ask", a_request("approved")).on("redeem", UNREADABLE_PERMITS[name])
    done = client.gate("--timeout", "0s")
    assert (done.returncode, client.ran()) == (69, False), done.stderr


UNFIT_PERMITS = {
    "expired by its time": (a_permit(expires_at=stamp(-2)), 66),
    "expired by its status": (a_permit(status="expired"), 66),
    "expired by its receipt": (a_permit(receipt=a_receipt(expiresAt=stamp(-2))), 66),
    "already running": (a_permit(status="running"), 65),
    "already used": (a_permit(status="succeeded"), 65),
    "lost": (a_permit(status="lost"), 65),
    "revoked": (a_permit(status="revoked"), 65),
    "of another request": (
        a_permit(receipt=a_receipt(request={"id": REQUEST[:-1] + "2", "digest": DIGEST})),
        70,
    ),
    "with another digest": (
        a_permit(receipt=a_receipt(request={"id": REQUEST, "digest": "sha256:" + "00" * 32})),
        70,
    ),
    "of another run": (a_permit(receipt=a_receipt(run={"id": "8813", "attempt": 1})), 70),
    "of another attempt": (a_permit(receipt=a_receipt(run={"id": "8812", "attempt": 2})), 70),
    "of a rejection": (a_permit(receipt=a_receipt(decision="rejected")), 70),
}


@pytest.mark.parametrize("name", UNFIT_PERMITS)
def test_a_permit_that_does_not_fit_never_runs_the_command(double, client, name):
    answer, exit_status = UNFIT_PERMITS[name]
    double.on("ask", a_request("approved")).on("redeem", answer)
    done = client.gate()
    assert (done.returncode, client.ran()) == (exit_status, False), done.stderr


def test_an_answer_about_another_request_is_not_ours(double, client):
    double.on("ask", a_request()).on("read", a_request("approved", 2, id=REQUEST[:-1] + "2"))
    double.on("redeem", a_permit())
    assert client.gate("--timeout", "2s").returncode == 69
    assert double.count("redeem") == 0
    assert not client.ran()


def test_a_request_whose_digest_changes_is_not_ours(double, client):
    double.on("ask", a_request()).on("read", a_request("approved", 2, digest=DIGEST[:-1] + "2"))
    double.on("redeem", a_permit())
    assert client.gate("--timeout", "2s").returncode == 69
    assert not client.ran()


def test_a_redirect_is_never_followed_with_the_token(double, client):
    thief = Double()
    try:
        aside = Answer(307, b"", Location=thief.url + "/api/v1/requests")
        double.on("ask", aside)
        thief.on("ask", a_request("approved")).on("redeem", a_permit())
        assert client.gate("--retry-for", "0s").returncode == 69
        assert thief.calls == []
    finally:
        thief.close()


def test_nobody_listening_ends_with_69_and_says_so(client):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        done = client.gate(COUNTERSIGN_URL=f"http://127.0.0.1:{held.getsockname()[1]}")
    assert done.returncode == 69
    assert not client.ran()
    assert "cannot be reached" in done.stderr
    assert "Nothing was run" in done.stderr


def test_an_outage_while_waiting_is_ridden_out(double, client):
    double.on("ask", a_request())
    double.on("read", HangUp(), NO_ANSWERS["502 by a proxy"], a_request("approved", 2))
    double.on("redeem", NO_ANSWERS["503 of the portal"], a_permit())
    done = client.gate()
    assert done.returncode == 0
    assert client.ran()
    assert "No answer from the portal" in done.stderr
    assert "The portal answers again" in done.stderr


def test_an_outage_that_outlasts_the_timeout_never_runs_the_command(double, client):
    double.on("ask", a_request()).on("read", HangUp())
    done = client.gate("--timeout", "2s")
    assert (done.returncode, client.ran()) == (69, False)
    assert double.count("withdraw") == 1
    assert "The portal cannot be reached" in done.stderr


SILENT = problem(503, "unavailable", "A source does not answer (git: gone). Try again.")


def test_a_source_that_is_silent_at_redeem_is_told_in_the_portals_words(double, client):
    double.on("ask", a_request("approved")).on("redeem", SILENT, a_permit())
    done = client.gate()
    assert done.returncode == 0
    assert "Not now: A source does not answer (git: gone). Try again. Trying for" in done.stderr


def test_a_source_that_stays_silent_until_the_timeout_withdraws(double, client):
    double.on("ask", a_request("approved")).on("redeem", SILENT)
    done = client.gate("--timeout", "2s")
    assert (done.returncode, client.ran()) == (69, False)
    assert double.count("withdraw") == 1
    assert done.stderr.endswith("(git: gone). Try again. Nothing was run.\n")
    assert "cannot be reached" not in done.stderr


def test_a_lost_answer_to_the_question_asks_again_under_the_same_key(double, client):
    double.on("ask", HangUp(), a_request("approved")).on("redeem", HangUp(), a_permit())
    assert client.gate("--retry-for", "20s").returncode == 0
    keys = [c["headers"]["Idempotency-Key"] for c in double.calls if c["route"] == "ask"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_portal_that_answers_reads_at_once_is_not_hammered(double, client):
    double.on("ask", a_request()).on("read", a_request())
    assert client.gate("--timeout", "2s").returncode == 66
    assert double.count("read") <= 4


def test_an_approved_request_that_is_never_redeemed_is_not_hammered(double, client):
    double.on("ask", a_request("approved")).on("read", a_request("approved"))
    double.on("redeem", problem(409, "not-approved"))
    assert client.gate("--timeout", "2s").returncode == 66
    assert double.count("redeem") <= 4
    assert not client.ran()


@pytest.mark.parametrize(("signum", "exit_status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.usefixtures("default_signals")
def test_a_signal_while_waiting_withdraws_the_request(double, client, signum, exit_status):
    double.on("ask", a_request())
    double.on("read", Answer(200, a_request().raw, after=20))
    process = client.start(*client.gated())
    double.wait_for("read")
    process.send_signal(signum)
    process.communicate(timeout=20)
    assert process.returncode == exit_status
    assert double.sent("withdraw")[0]["run"] == {"id": "8812", "attempt": 1}
    assert not client.ran()


@pytest.mark.usefixtures("default_signals")
def test_a_signal_before_the_question_is_answered_still_withdraws_it(double, client):
    double.on("ask", Answer(201, a_request().raw, after=20), a_request())
    process = client.start(*client.gated())
    double.wait_for("ask")
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert double.count("withdraw") == 1
    keys = {c["headers"]["Idempotency-Key"] for c in double.calls if c["route"] == "ask"}
    assert len(keys) == 1


@pytest.mark.usefixtures("default_signals")
def test_a_signal_while_the_command_runs_reaches_the_command(double, client):
    double.on("ask", a_request("approved")).on("redeem", a_permit())
    ready = client.folder / "ready"
    script = f"trap 'exit 9' TERM; : > '{ready}'; while :; do sleep 0.1; done"
    process = client.start(*client.gated(script=script))
    double.wait_for("heartbeat")
    while not ready.exists():
        assert process.poll() is None
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 9
    assert double.sent("finish")[0]["exit_code"] == 9
    assert double.count("withdraw") == 0


def test_heartbeats_end_when_the_client_is_killed(double, client):
    double.on("ask", a_request("approved")).on("redeem", a_permit(heartbeat_seconds=1))
    process = client.start(*client.gated(script="exec sleep 4 >/dev/null 2>&1"))
    double.wait_for("heartbeat", count=2)
    process.kill()
    process.wait(timeout=20)
    before = double.count("heartbeat")
    time.sleep(2.5)
    assert double.count("heartbeat") <= before + 1
    process.communicate(timeout=20)


@pytest.mark.usefixtures("default_signals")
def test_a_command_killed_by_a_signal_ends_as_a_shell_would_say(double, client):
    double.on("ask", a_request("approved")).on("redeem", a_permit())
    done = client.gate(script="kill -KILL $$")
    assert done.returncode == 128 + signal.SIGKILL
    assert double.sent("finish")[0]["outcome"] == "failed"


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\nPWNED caf\u00e9\u202egnp.exe"


def escaped(answer):
    """The same JSON with every character beyond ASCII written as an escape."""
    return Answer(answer.status, json.dumps(json.loads(answer.raw)).encode())


@pytest.mark.parametrize("form", [lambda answer: answer, escaped], ids=["raw", "escaped"])
def test_control_characters_of_the_portal_are_made_visible(double, client, form):
    facts = [{"fact": HOSTILE, "old": HOSTILE, "new": {"x": HOSTILE}}]
    double.on("ask", form(a_request(summary=HOSTILE, url="http://x/" + HOSTILE)))
    double.on(
        "read",
        form(a_request(version=2, round=2, drift=facts, summary="next")),
        form(a_request("rejected", 3, round=2, summary=HOSTILE, decisions=[reject(HOSTILE)])),
    )
    done = client.gate()
    assert done.returncode == 65
    assert "PWNED" in done.stderr, "the text is there, only tamed"
    assert "caf\u00e9" in done.stderr, "and what is harmless stays as it is"
    shown = done.stderr.replace("\n", "")
    assert not [char for char in shown if not char.isprintable()]
    assert not [line for line in done.stderr.splitlines() if line.startswith("PWNED")]


def reject(text):
    return {"person": text, "outcome": "reject", "comment": text}


def test_control_characters_in_a_problem_are_made_visible(double, client):
    double.on("ask", problem(422, "invalid", HOSTILE, errors=[{"field": HOSTILE}]))
    done = client.gate()
    assert done.returncode == 64
    assert not [char for char in done.stderr.replace("\n", "") if not char.isprintable()]


def test_a_token_echoed_by_the_portal_is_not_shown(double, client):
    double.on("ask", problem(401, "unauthenticated", f"Unknown token {TOKEN}."))
    done = client.gate()
    assert TOKEN not in done.stdout + done.stderr
    assert "Unknown token [token]." in done.stderr


def test_the_token_is_never_on_a_command_line(double, client):
    double.on("ask", a_request()).on("read", Answer(200, a_request().raw, after=20))
    process = client.start(*client.gated())
    double.wait_for("read")
    lines = [line for path in Path("/proc").glob("[0-9]*/cmdline") if (line := read(path))]
    process.terminate()
    process.communicate(timeout=20)
    assert any(str(client.mark).encode() in line for line in lines)
    assert not any(TOKEN.encode() in line for line in lines)


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""  # that process is gone
