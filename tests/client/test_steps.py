"""The single steps of the Python client, and how it speaks to terminals and logs."""

import importlib.util
import io
import json
import os
import pty
import re
import subprocess
import time

import pytest

from tests.client.conftest import CLIENTS
from tests.client.portal_double import (
    DIGEST,
    PERMIT,
    REQUEST,
    TOKEN,
    Answer,
    HangUp,
    a_permit,
    a_receipt,
    a_request,
    drift,
    problem,
    public_keys,
)

RUN = ("--run-id", "8812", "--retry-for", "0s")


def test_request_prints_the_id_and_ends_well_while_pending(double, python):
    double.on("ask", a_request())
    done = python.run("request", *python.base)
    assert (done.returncode, done.stdout) == (0, REQUEST + "\n")


def test_request_prints_the_whole_answer_as_json(double, python):
    double.on("ask", a_request())
    assert json.loads(python.run("request", *python.base, "--json").stdout)["digest"] == DIGEST


def test_request_ends_with_65_when_denied(double, python):
    double.on("ask", a_request("denied"))
    assert python.run("request", *python.base).returncode == 65


def test_wait_ends_when_approved(double, python):
    double.on("read", a_request(), a_request("approved", 2))
    assert python.run("wait", REQUEST).returncode == 0
    assert double.count("withdraw") == 0


@pytest.mark.parametrize(("status", "code"), [("rejected", 65), ("expired", 66)])
def test_wait_ends_when_closed(double, python, status, code):
    double.on("read", a_request(), a_request(status, 2))
    assert python.run("wait", REQUEST).returncode == code


def test_wait_ends_with_66_when_nobody_decides(double, python):
    double.on("read", a_request())
    assert python.run("wait", REQUEST, "--timeout", "1s").returncode == 66


def test_wait_takes_no_path_for_an_id(double, python):
    assert python.run("wait", "../permits/x").returncode == 64
    assert double.calls == []


def test_redeem_prints_the_permit_and_keeps_the_receipt(double, python, tmp_path):
    double.on("read", a_request("approved")).on("redeem", a_permit())
    path = tmp_path / "receipt.json"
    done = python.run("redeem", REQUEST, *RUN, "--receipt-file", str(path))
    assert (done.returncode, done.stdout) == (0, PERMIT + "\n")
    assert json.loads(path.read_text())["payloadType"] == "application/vnd.in-toto+json"
    assert double.sent("redeem") == [{"run": {"id": "8812", "attempt": 1}, "digest": DIGEST}]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (drift(), 67),
        (problem(409, "not-approved"), 65),
        (problem(410, "expired"), 66),
        (problem(403, "forbidden"), 65),
        (a_permit(status="running"), 65),
        (HangUp(), 69),
    ],
)
def test_redeem_says_no_with_the_status_of_the_gate(double, python, answer, code):
    double.on("read", a_request("approved")).on("redeem", answer)
    done = python.run("redeem", REQUEST, *RUN)
    assert (done.returncode, done.stdout) == (code, "")


def test_redeem_wants_the_digest_that_was_expected(double, python):
    double.on("read", a_request("approved"))
    done = python.run("redeem", REQUEST, *RUN, "--digest", "sha256:" + "0" * 64)
    assert done.returncode == 65
    assert double.count("redeem") == 0


def test_later_steps_want_to_know_the_run(double, python):
    for step in (("redeem", REQUEST), ("finish", PERMIT), ("withdraw", REQUEST)):
        assert python.run(*step).returncode == 64
    assert double.calls == []


def test_finish_reports_outcome_and_exit_code(double, python):
    assert python.run("finish", PERMIT, *RUN, "--exit-code", "2").returncode == 0
    assert python.run("finish", PERMIT, *RUN, "--outcome", "succeeded").returncode == 0
    ends = [(end["outcome"], end["exit_code"]) for end in double.sent("finish")]
    assert ends == [("failed", 2), ("succeeded", 0)]


def test_withdraw_takes_the_request_back_with_a_reason(double, python):
    assert python.run("withdraw", REQUEST, *RUN, "--reason", "wrong tag").returncode == 0
    assert double.sent("withdraw")[0]["reason"] == "wrong tag"


def test_steps_end_with_69_when_nobody_answers(double, python):
    double.on("finish", HangUp()).on("withdraw", Answer(502, b"x", "text/html"))
    assert python.run("finish", PERMIT, *RUN).returncode == 69
    assert python.run("withdraw", REQUEST, *RUN).returncode == 69


def test_only_the_gate_runs_a_command(double, python):
    assert python.run("wait", REQUEST, "--", "true").returncode == 64
    assert double.calls == []


def test_a_gate_with_keys_wants_their_signature(double, python, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(public_keys()))
    double.on("ask", a_request("approved")).on("redeem", a_permit())
    assert python.gate("--keys", str(path)).returncode == 0
    forged = a_receipt()
    forged["signatures"][0]["sig"] = a_receipt(nonce="01")["signatures"][0]["sig"]
    python.mark.unlink()
    double.on("redeem", a_permit(receipt=forged))
    assert python.gate("--keys", str(path)).returncode == 70
    assert not python.ran()


def test_a_gate_with_a_broken_keys_file_asks_nobody(double, python, tmp_path):
    assert python.gate("--keys", str(tmp_path / "missing")).returncode == 64
    assert double.calls == []


def test_a_gate_can_log_json_lines(double, python):
    double.on("ask", a_request()).on("read", a_request("rejected", 2))
    done = python.gate("--json")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["event"] for event in events] == ["asked", "status", "stopped"]
    assert events[-1]["exit_status"] == 65


def test_a_terminal_sees_one_line_redrawn_in_place(double, python):
    double.on("ask", a_request(summary="Waiting for somebody."))
    double.on("read", Answer(200, a_request("rejected", 2).raw, after=2.5))
    ours, theirs = pty.openpty()
    env = {**python.env, "TERM": "xterm", "COLUMNS": "200"}
    process = subprocess.Popen([*python.program, *python.gated()], env=env, stderr=theirs)
    os.close(theirs)
    seen = b""
    while process.poll() is None or not seen.endswith(b"\n"):
        try:
            seen += os.read(ours, 4096)
        except OSError:
            break  # the other end is closed
    os.close(ours)
    assert process.wait() == 65
    redrawn = re.findall(rb"\r\x1b\[KWaiting for somebody\. \((\d)s\)", seen)
    assert {b"0", b"1", b"2"} <= set(redrawn)
    assert b"Waiting for somebody.\n" not in seen


@pytest.fixture
def module():
    spec = importlib.util.spec_from_file_location("client", CLIENTS / "countersign.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_a_log_hears_changes_at_once_and_nothing_else_before_the_minute(module):
    out = io.StringIO()
    say = module.Say(out, as_json=False)
    with say.waiting():
        for words in ("one", "one", "two", "two", "one"):
            say.status(words)
    assert out.getvalue().splitlines() == [f"countersign: {w}" for w in ("one", "two", "one")]


def test_a_quiet_log_hears_that_we_still_wait(module, monkeypatch):
    monkeypatch.setattr(module, "LOG_SECONDS", 0.05)
    out = io.StringIO()
    say = module.Say(out, as_json=False)
    with say.waiting():
        say.status("Waiting.")
        limit = time.monotonic() + 10
        while out.getvalue().count("\n") < 3 and time.monotonic() < limit:
            time.sleep(0.01)
    lines = out.getvalue().splitlines()
    assert lines[:3] == ["countersign: Waiting."] + ["countersign: Waiting. (0s)"] * 2


def test_a_closed_log_stops_nothing(module):
    out = io.StringIO()
    out.close()
    say = module.Say(io.StringIO(), as_json=False)
    say._stream = out
    say.line("x", "nobody reads this")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("2m", 120), ("24h", 86400), ("1d", 86400)]
)
def test_durations_are_read(module, text, seconds):
    assert module.seconds_of(text) == seconds


def test_the_token_file_is_read_again_because_tokens_are_renewed(double, python, tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    renew = f"printf renewed > '{path}'"
    double.on("ask", a_request("approved")).on("redeem", a_permit())
    done = python.gate(script=renew, COUNTERSIGN_TOKEN="", COUNTERSIGN_TOKEN_FILE=str(path))
    assert done.returncode == 0
    assert double.calls[-1]["route"] == "finish"
    assert double.calls[-1]["headers"]["Authorization"] == "Bearer renewed"
