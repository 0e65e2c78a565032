"""The gate of both clients: what is asked, what is run, what is reported."""

import json
import re

import pytest

from tests.client.portal_double import (
    COMMIT,
    DIGEST,
    PERMIT,
    REQUEST,
    TOKEN,
    Answer,
    HangUp,
    a_permit,
    a_request,
    drift,
    problem,
)


@pytest.fixture
def approving(double):
    """A portal that approves inside the POST."""
    return double.on("ask", a_request("approved")).on("redeem", a_permit())


def test_an_approved_request_runs_the_command_and_reports_success(approving, client):
    done = client.gate(script="echo from the command")
    assert (done.returncode, done.stdout) == (0, "from the command\n")
    assert client.ran()
    assert approving.count("ask") == approving.count("redeem") == approving.count("finish") == 1
    assert approving.sent("redeem") == [{"run": {"id": "8812", "attempt": 1}, "digest": DIGEST}]
    (start,), (end,) = approving.sent("heartbeat"), approving.sent("finish")
    assert re.fullmatch("[0-9a-f]{32}", start["starter"])
    assert start == {"run": {"id": "8812", "attempt": 1}, "starter": start["starter"]}
    assert end == {**start, "outcome": "succeeded", "exit_code": 0}


def test_the_exit_status_is_the_commands_own_and_is_reported_as_failed(approving, client):
    assert client.gate(script="exit 7").returncode == 7
    assert approving.sent("finish")[0]["outcome"] == "failed"
    assert approving.sent("finish")[0]["exit_code"] == 7


def test_a_command_that_does_not_exist_ends_with_127(approving, client):
    done = client.run("gate", *client.base, "--", "/no/such/command")
    assert done.returncode == 127
    assert approving.sent("finish")[0]["outcome"] == "failed"


def test_the_command_gets_permit_request_and_receipt_but_never_the_token(approving, client):
    script = (
        'stat -c %a "$COUNTERSIGN_RECEIPT_FILE"; cat "$COUNTERSIGN_RECEIPT_FILE"; echo;'
        'echo "$COUNTERSIGN_PERMIT_ID $COUNTERSIGN_REQUEST_ID $COUNTERSIGN_RECEIPT_FILE"; env'
    )
    done = client.gate(script=script, COUNTERSIGN_TOKEN_FILE="/no/such/file")
    assert done.returncode == 0, done.stderr
    mode, receipt, *rest = [line for line in done.stdout.splitlines() if line]
    assert mode == "600"
    assert json.loads(receipt)["payloadType"] == "application/vnd.in-toto+json"
    assert rest[0].startswith(f"{PERMIT} {REQUEST} ")
    assert "COUNTERSIGN_TOKEN" not in done.stdout
    assert TOKEN not in done.stdout + done.stderr
    assert not list(client.folder.glob("countersign*")), "the receipt is gone afterwards"


def test_a_receipt_file_that_was_asked_for_is_kept(approving, client):
    path = client.folder / "receipt.json"
    assert client.gate("--receipt-file", str(path)).returncode == 0
    assert json.loads(path.read_text())["signatures"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_standard_input_reaches_the_command(approving, client):
    process = client.start(*client.gated(script="cat <&0 | wc -c"))
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_heartbeats_go_on_while_the_command_runs(approving, client):
    approving.on("redeem", a_permit(heartbeat_seconds=1))
    assert client.gate(script="sleep 2.5").returncode == 0
    assert approving.count("heartbeat") >= 2
    assert len({beat["starter"] for beat in approving.sent("heartbeat")}) == 1
    routes = [call["route"] for call in approving.calls]
    assert routes.index("heartbeat") < routes.index("finish"), "running is heard before the end"


def test_a_failing_heartbeat_does_not_stop_the_command(approving, client):
    lost = problem(409, "illegal-state", "The permit is lost.")
    approving.on("redeem", a_permit(heartbeat_seconds=1))
    approving.on("heartbeat", a_permit(status="running"), lost)
    done = client.gate(script="sleep 1.5")
    assert done.returncode == 0
    assert "The permit is lost." in done.stderr


def test_the_command_begins_only_after_the_portal_heard_of_it(approving, client):
    approving.on("heartbeat", HangUp(), Answer(502, b""), a_permit(status="running"))
    assert client.gate("--retry-for", "20s").returncode == 0
    assert client.ran()
    starts = approving.sent("heartbeat")
    assert len(starts) == 3
    assert starts[0] == starts[1] == starts[2], "a repetition is the same start"


@pytest.mark.parametrize(
    ("answer", "exit_status"),
    [
        (HangUp(), 69),
        (Answer(200, {}), 69),
        (a_permit(status="issued"), 69),
        (a_permit(status="running", id=PERMIT[:-1] + "e"), 69),
        (problem(409, "already-running", "Another process began."), 65),
        (problem(410, "expired"), 66),
    ],
    ids=["nothing", "no permit", "not begun", "another permit", "another process", "too late"],
)
def test_nothing_is_run_unless_the_portal_heard_that_it_begins(
    approving, client, answer, exit_status
):
    approving.on("heartbeat", answer)
    done = client.gate("--retry-for", "0s")
    assert (done.returncode, client.ran()) == (exit_status, False), done.stderr
    assert approving.count("finish") == approving.count("withdraw") == 0


@pytest.mark.usefixtures("default_signals")
def test_a_signal_before_the_portal_heard_of_the_start_ends_that_start_alone(approving, client):
    approving.on("heartbeat", Answer(200, b"", after=20))
    process = client.start(*client.gated())
    approving.wait_for("heartbeat")
    process.terminate()
    process.communicate(timeout=20)
    assert (process.returncode, client.ran()) == (143, False)
    (start,), (end,) = approving.sent("heartbeat"), approving.sent("finish")
    assert (end["starter"], end["exit_code"]) == (start["starter"], 143)


def test_a_receipt_that_cannot_be_written_ends_the_permit(approving, client):
    done = client.gate("--receipt-file", str(client.folder / "no-such-folder" / "receipt.json"))
    assert (done.returncode, client.ran()) == (70, False)
    assert "The receipt cannot be written" in done.stderr
    (end,) = approving.sent("finish")
    assert (end["outcome"], end["exit_code"]) == ("failed", 70)


def test_a_report_that_cannot_be_made_leaves_the_exit_status_alone(approving, client):
    approving.on("finish", problem(403, "forbidden"))
    done = client.gate(script="exit 3")
    assert done.returncode == 3
    assert "could not be reported" in done.stderr


def test_it_waits_until_somebody_approves_and_shows_the_page(double, client):
    double.on("ask", a_request(summary="Waiting for 1 approval from team-leads."))
    double.on("read", a_request(version=2), a_request("approved", version=3))
    double.on("redeem", a_permit())
    done = client.gate()
    assert done.returncode == 0
    assert client.ran()
    assert "Waiting for 1 approval from team-leads." in done.stderr
    assert f"http://portal.example/requests/{REQUEST}" in done.stderr
    reads = [call["path"] for call in double.calls if call["route"] == "read"]
    assert [re.search(r"after=(\d+)", path)[1] for path in reads] == ["1", "2"]
    assert all(1 <= int(re.search(r"wait=(\d+)", path)[1]) <= 60 for path in reads)


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [
        ("rejected", 65),
        ("denied", 65),
        ("withdrawn", 65),
        ("superseded", 65),
        ("revoked", 65),
        ("expired", 66),
    ],
)
def test_a_closed_request_never_runs_the_command(double, client, status, exit_status):
    double.on("ask", a_request()).on("read", a_request(status, 2, summary="It is over now."))
    done = client.gate()
    assert done.returncode == exit_status
    assert "It is over now." in done.stderr
    assert not client.ran()
    assert double.count("redeem") == 0


def test_a_rejection_is_shown_with_who_and_why(double, client):
    decision = {"person": "Maria Costa", "outcome": "reject", "comment": "Not on a Friday."}
    double.on("ask", a_request("rejected", decisions=[decision]))
    assert "Maria Costa: Not on a Friday." in client.gate().stderr


def test_a_denial_is_shown_with_its_explanation(double, client):
    verdict = {"outcome": "deny", "explanation": ["Freeze until Monday."], "policies": []}
    verdict["rules"] = [{"rule": "freeze", "remedy": "When this is false: ops.freeze."}, "odd"]
    double.on("ask", a_request("denied", verdict=verdict))
    assert "Freeze until Monday." in client.gate().stderr
    assert "To pass: When this is false: ops.freeze." in client.gate().stderr


def test_drift_names_both_values_and_keeps_waiting(double, client):
    back = a_request("pending", 4, round=2, drift=[{"fact": "git.head", "old": "1", "new": "2"}])
    double.on("ask", a_request("approved")).on("redeem", drift(), a_permit())
    double.on("read", back, a_request("approved", 5, round=2))
    done = client.gate()
    assert done.returncode == 0
    assert "git.head was 9f3c, is now 77ab" in done.stderr
    assert done.stderr.count("Drift:") == 1, "the same drift is said once"
    assert double.count("redeem") == 2


def test_drift_found_by_the_portal_itself_is_shown_too(double, client):
    facts = [{"fact": "git.diff_lines", "old": 3, "new": 900}]
    double.on("ask", a_request("approved")).on("redeem", problem(409, "not-approved"), a_permit())
    double.on("read", a_request("approved", 3, round=2, drift=facts))
    done = client.gate()
    assert done.returncode == 0
    assert "git.diff_lines was 3, is now 900" in done.stderr


def test_the_third_drift_gives_up_and_withdraws(double, client):
    double.on("ask", a_request("approved")).on("redeem", drift())
    double.on("read", *(a_request("approved", 2 * n, round=n) for n in (2, 3, 4)))
    done = client.gate()
    assert done.returncode == 67
    assert not client.ran()
    assert double.count("redeem") == 3
    assert double.count("withdraw") == 1


def test_drift_that_policy_denies_ends_as_denied_whatever_the_limit(double, client):
    double.on("ask", a_request("approved")).on("redeem", drift())
    double.on("read", a_request("denied", 4, round=2, summary="Denied: git.head changed."))
    done = client.gate("--max-drift", "1")
    assert (done.returncode, client.ran()) == (65, False)
    assert "Denied: git.head changed." in done.stderr
    assert "git.head was 9f3c, is now 77ab" in done.stderr
    assert double.count("redeem") == 1


def test_the_drift_limit_can_be_set(double, client):
    double.on("ask", a_request("approved")).on("redeem", drift()).on("read", a_request(version=2))
    assert client.gate("--max-drift", "1").returncode == 67
    assert double.count("redeem") == 1


def test_no_decision_in_time_withdraws_and_ends_as_expired(double, client):
    double.on("ask", a_request()).on("read", a_request())
    done = client.gate("--timeout", "1s")
    assert done.returncode == 66
    assert double.count("withdraw") == 1
    assert not client.ran()


@pytest.mark.parametrize(
    ("status", "code", "exit_status"),
    [
        (401, "unauthenticated", 64),
        (401, "token-expired", 64),
        (404, "not-found", 64),
        (409, "idempotency-mismatch", 64),
        (422, "invalid", 64),
        (403, "forbidden", 65),
        (422, "no-eligible-approver", 65),
        (410, "gone", 66),
    ],
)
def test_a_refused_question_ends_with_its_status_and_sentence(
    double, client, status, code, exit_status
):
    errors = [{"field": "subject.commit", "message": "must be hexadecimal"}]
    double.on("ask", problem(status, code, "Say it right.", errors=errors))
    done = client.gate()
    assert done.returncode == exit_status
    assert "Say it right. subject.commit: must be hexadecimal" in done.stderr
    assert double.count("ask") == 1, "a refusal is not asked again"
    assert not client.ran()


def test_a_field_message_that_is_the_detail_already_is_said_once(double, client):
    errors = [{"field": "subject.commit", "message": "is short"}, {"field": "run", "message": "no"}]
    double.on("ask", problem(422, "invalid", "subject.commit: is short", errors=errors))
    assert client.gate().stderr.endswith("(invalid): subject.commit: is short run: no\n")


def test_an_expired_redeem_ends_as_expired(double, client):
    double.on("ask", a_request("approved")).on("redeem", problem(410, "expired"))
    assert client.gate().returncode == 66
    assert not client.ran()


def test_the_question_carries_everything_that_was_given(approving, client):
    text = 'a "quoted" \\ back\nslash\ttab \x01 é 漢字'
    client.gate(
        *("--ref", "refs/heads/main", "--artifact", "sha256:" + "a" * 64),
        *("--plan", "sha256:" + "b" * 64, "--run-attempt", "2", "--run-url", "https://ci/1"),
        *("--reason", text, "--label", "hotfix", "--label", text),
        *("--claim", "tests.passed=true", "--claim", "tests.count=12", "--claim", "team=web"),
        *("--claim", 'list=["a", {"b": null}]', "--claim", 'odd=tr"ue\\'),
    )
    body = approving.sent("ask")[0]
    assert body == {
        "project": "shop",
        "environment": "production",
        "action": "deploy",
        "subject": {
            "commit": COMMIT,
            "ref": "refs/heads/main",
            "artifact": "sha256:" + "a" * 64,
            "plan": "sha256:" + "b" * 64,
        },
        "run": {"id": "8812", "attempt": 2, "url": "https://ci/1"},
        "reason": text,
        "labels": ["hotfix", text],
        "claims": {
            "tests.passed": True,
            "tests.count": 12,
            "team": "web",
            "list": ["a", {"b": None}],
            "odd": 'tr"ue\\',
        },
    }
    headers = approving.calls[0]["headers"]
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"] == "application/json"
    assert re.fullmatch(r"[!-~]{1,200}", headers["Idempotency-Key"])


def test_the_same_question_of_the_same_run_has_the_same_key(approving, client):
    for options in ((), (), ("--label", "other")):
        client.gate(*options)
    keys = [c["headers"]["Idempotency-Key"] for c in approving.calls if c["route"] == "ask"]
    assert keys[0] == keys[1] != keys[2]


def test_a_key_of_ones_own_is_sent(approving, client):
    client.gate("--idempotency-key", "my-key")
    assert approving.calls[0]["headers"]["Idempotency-Key"] == "my-key"


GITLAB = {
    "GITLAB_CI": "true",
    "CI_JOB_ID": "55",
    "CI_PIPELINE_ID": "9",
    "CI_JOB_URL": "https://gitlab.example/jobs/55",
    "CI_JOB_NAME": "deploy-production",
    "GITLAB_USER_LOGIN": "ana",
    "CI_COMMIT_SHA": COMMIT,
    "CI_COMMIT_BRANCH": "main",
}
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "3",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_WORKFLOW": "release",
    "GITHUB_JOB": "deploy",
    "GITHUB_ACTOR": "ana",
    "GITHUB_SHA": COMMIT,
    "GITHUB_REF": "refs/tags/v1",
}


@pytest.mark.parametrize(
    ("env", "run", "ref"),
    [
        (
            GITLAB,
            {
                "id": "55",
                "attempt": 1,
                "url": "https://gitlab.example/jobs/55",
                "pipeline": "9",
                "job": "deploy-production",
                "actor": "ana",
                "system": "gitlab",
            },
            "refs/heads/main",
        ),
        (
            GITHUB,
            {
                "id": "77",
                "attempt": 3,
                "url": "https://github.example/acme/shop/actions/runs/77/attempts/3",
                "pipeline": "release",
                "job": "deploy",
                "actor": "ana",
                "system": "github",
            },
            "refs/tags/v1",
        ),
    ],
    ids=["gitlab", "github"],
)
def test_the_ci_systems_run_and_commit_are_picked_up(approving, client, env, run, ref):
    client.run("gate", *client.asking, "--", "true", **env)
    body = approving.sent("ask")[0]
    assert body["run"] == run
    assert body["subject"] == {"commit": COMMIT, "ref": ref}


def test_outside_ci_every_process_is_a_run_of_its_own(approving, client):
    for _ in range(2):
        client.run("gate", *client.asking, "--commit", COMMIT, "--", "true")
    first, second = (body["run"]["id"] for body in approving.sent("ask"))
    assert first != second


ASKED = ("gate", "--project", "s", "--environment", "p", "--action", "d")
COMPLETE = (*ASKED, "--commit", "c")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("gate",),
        COMPLETE,
        (*ASKED, "--", "true"),
        (*COMPLETE, "--nonsense", "--", "true"),
        (*COMPLETE, "--timeout", "soon", "--", "true"),
        (*COMPLETE, "--claim", "no-value", "--", "true"),
        (*COMPLETE, "--max-drift", "0", "--", "true"),
    ],
)
def test_wrong_usage_ends_with_64_before_anything_is_asked(double, client, arguments):
    done = client.run(*arguments)
    assert done.returncode == 64
    assert done.stderr
    assert double.calls == []


@pytest.mark.parametrize(
    "env",
    [
        {"COUNTERSIGN_URL": ""},
        {"COUNTERSIGN_URL": "ftp://portal"},
        {"COUNTERSIGN_URL": "http://user:pw@portal"},
        {"COUNTERSIGN_URL": "http://portal?x=1"},
        {"COUNTERSIGN_TOKEN": ""},
        {"COUNTERSIGN_TOKEN": "two words"},
        {"COUNTERSIGN_TOKEN": "", "COUNTERSIGN_TOKEN_FILE": "/no/such/file"},
    ],
)
def test_a_wrong_address_or_token_ends_with_64(double, client, env):
    done = client.gate(**env)
    assert done.returncode == 64
    assert "COUNTERSIGN_" in done.stderr or "address" in done.stderr
    assert not client.ran()


def test_the_token_can_come_from_a_file(approving, client):
    path = client.folder / "token"
    path.write_text(TOKEN + "\n")
    done = client.gate(COUNTERSIGN_TOKEN="", COUNTERSIGN_TOKEN_FILE=str(path))
    assert done.returncode == 0
    assert {call["headers"]["Authorization"] for call in approving.calls} == {f"Bearer {TOKEN}"}
