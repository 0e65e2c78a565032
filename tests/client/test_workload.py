"""Jobs without a stored secret: the CI system's own token is swapped for one of this run."""

import json
import urllib.parse

from tests.client.portal_double import (
    REQUEST,
    TOKEN,
    Answer,
    HangUp,
    a_permit,
    a_request,
    problem,
    stamp,
)

IDENTITY = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmVk"
RUN_TOKEN = "cst_0123456789ab_" + "5" * 64


def run_token(seconds=3600, token=RUN_TOKEN):
    body = {"token": token, "expires_at": stamp(seconds), "run": {"id": "8812", "attempt": 1}}
    return Answer(200, body)


def ready(double, *tokens):
    double.on("token", *(tokens or [run_token()]))
    double.on("ask", a_request())
    double.on("read", a_request("approved", 2))
    double.on("redeem", a_permit())
    return double


def bearers(double, *routes):
    return {
        call["headers"].get("Authorization") for call in double.calls if call["route"] in routes
    }


def test_the_token_of_the_ci_system_is_swapped_once_for_the_whole_gate(double, python):
    ready(double)
    done = python.gate(COUNTERSIGN_TOKEN=IDENTITY)
    assert done.returncode == 0, done.stderr
    assert double.sent("token") == [{"project": "shop", "token": IDENTITY}]
    assert bearers(double, "token") == {None}
    used = bearers(double, "ask", "read", "redeem", "heartbeat", "finish")
    assert used == {f"Bearer {RUN_TOKEN}"}


def test_github_signs_a_token_for_the_audience_of_the_project(double, python):
    ready(double).on("github", Answer(200, {"value": IDENTITY}))
    done = python.gate(
        COUNTERSIGN_TOKEN="",
        ACTIONS_ID_TOKEN_REQUEST_URL=f"{double.url}/oidc?api-version=2.0",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="of-the-runner",
    )
    assert done.returncode == 0, done.stderr
    asked = next(call for call in double.calls if call["route"] == "github")
    query = urllib.parse.parse_qs(asked["path"].partition("?")[2])
    assert query == {"api-version": ["2.0"], "audience": [f"{double.url}/shop"]}
    assert asked["headers"]["Authorization"] == "Bearer of-the-runner"
    assert double.sent("token")[0]["token"] == IDENTITY


def test_a_token_that_was_given_goes_before_the_one_of_github(double, python):
    ready(double)
    env = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{double.url}/oidc"}
    done = python.gate(ACTIONS_ID_TOKEN_REQUEST_TOKEN="of-the-runner", **env)
    assert done.returncode == 0
    assert (double.count("github"), double.count("token")) == (0, 0)
    assert bearers(double, "ask") == {f"Bearer {TOKEN}"}


def test_near_its_end_a_run_token_is_renewed_where_there_is_another_identity(double, python):
    ready(double, run_token(10), run_token()).on(
        "github",
        *(Answer(200, {"value": IDENTITY + letter}) for letter in "ab"),
    )
    env = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-runner", "COUNTERSIGN_TOKEN": ""}
    done = python.gate(ACTIONS_ID_TOKEN_REQUEST_URL=f"{double.url}/oidc", **env)
    assert done.returncode == 0, done.stderr
    assert double.count("token") == 2


def test_one_that_cannot_be_renewed_is_used_to_its_end(double, python):
    ready(double, run_token(10))
    done = python.gate(COUNTERSIGN_TOKEN=IDENTITY)
    assert done.returncode == 0, done.stderr
    assert double.count("token") == 1


def test_an_identity_that_is_not_trusted_ends_it_before_anything_is_asked(double, python):
    ready(double, problem(401, "untrusted", "No trust of shop accepts it."))
    done = python.gate(COUNTERSIGN_TOKEN=IDENTITY)
    assert done.returncode == 64
    assert "No trust of shop accepts it." in done.stderr
    assert not python.ran()
    assert double.count("ask") == 0


def test_a_portal_that_is_away_is_waited_for(double, python):
    ready(double, HangUp(), problem(503, "unavailable"), run_token())
    assert python.gate("--retry-for", "20s", COUNTERSIGN_TOKEN=IDENTITY).returncode == 0


def test_no_run_token_in_the_answer_is_no_answer(double, python):
    for answer in ({}, {"token": "x y", "expires_at": stamp(9)}, {"token": RUN_TOKEN}):
        ready(double, Answer(200, answer))
        assert python.gate(COUNTERSIGN_TOKEN=IDENTITY).returncode == 69
    assert not python.ran()


def test_neither_token_is_ever_shown(double, python):
    echo = problem(422, "invalid", f"Bad: {IDENTITY} {RUN_TOKEN}")
    ready(double).on("ask", echo)
    done = python.gate(COUNTERSIGN_TOKEN=IDENTITY)
    assert "[token]" in done.stderr
    assert IDENTITY not in done.stderr + done.stdout
    assert RUN_TOKEN not in done.stderr + done.stdout


def test_token_prints_one_for_the_steps_that_follow(double, python):
    ready(double)
    done = python.run("token", "--project", "shop", COUNTERSIGN_TOKEN=IDENTITY)
    assert (done.returncode, done.stdout) == (0, RUN_TOKEN + "\n")
    as_json = python.run("token", "--project", "shop", "--json", COUNTERSIGN_TOKEN=IDENTITY)
    assert json.loads(as_json.stdout) == {"token": RUN_TOKEN}
    assert python.run("wait", REQUEST, COUNTERSIGN_TOKEN=RUN_TOKEN).returncode == 0


def test_a_step_that_knows_no_project_says_how_to_get_a_token(double, python):
    done = python.run("wait", REQUEST, COUNTERSIGN_TOKEN=IDENTITY)
    assert done.returncode == 64
    assert "countersign token" in done.stderr
    assert not double.calls
