"""Policy documents of a repository's own pipeline: lines for editors, statuses for pipelines."""

import json
from pathlib import Path

import pytest

from tests.client.portal_double import Answer, HangUp, problem

MISTAKE = {"line": 6, "column": 11, "message": "unknown fact 'x'; did you mean 'y'?"}
GROUP = {"line": 7, "column": 31, "message": "There is no approver group “dba”."}
PASSED = {"name": "a lead", "line": 9, "column": 5, "passed": True, "verdict": "review",
          "because": ["lead"], "differences": []}  # fmt: skip
FAILED = {
    **PASSED,
    "name": "freeze",
    "line": 12,
    "passed": False,
    "differences": ["the verdict is review, not deny", "the risk is low, not high"],
}
ASKS = "shop/lead: asks for 1 approval from leads."
RULE = {"policy": "shop", "version": 0, "rule": "lead", "effect": "require", "level": "hard",
        "result": "applies", "sentence": ASKS, "remedy": "1 approval from leads."}  # fmt: skip
VERDICT = {"outcome": "review", "explanation": [ASKS], "rules": [RULE], "risk": None,
           "policies": []}  # fmt: skip


def found(ok=False, problems=(), groups=(), tests=()):
    body = {"ok": ok, "policy": "shop", "digest": "sha256:" + "0" * 64}
    return Answer(200, {**body, "problems": problems, "groups": groups, "tests": tests})


def says(ok=True, problems=(), matches=True, verdict=VERDICT):
    return Answer(200, {"ok": ok, "problems": problems, "matches": matches, "verdict": verdict})


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text("policy: shop\n")
    return str(path)


def test_check_says_nothing_but_the_sum_when_all_is_well(double, python, file):
    double.on("check", found(True, tests=[PASSED]))
    done = python.run("policy", "check", file)
    assert (done.returncode, done.stdout) == (0, "1 file, 0 problems, 1 test, 0 failed.\n")
    assert double.sent("check") == [{"document": "policy: shop\n"}]


def test_problems_groups_and_failing_tests_are_lines_that_editors_jump_to(double, python, file):
    double.on("check", found(problems=[MISTAKE], groups=[GROUP], tests=[PASSED, FAILED]))
    done = python.run("policy", "check", file)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{file}:6:11: unknown fact 'x'; did you mean 'y'?",
        f"{file}:7:31: There is no approver group “dba”.",
        f"{file}:12:5: freeze: the verdict is review, not deny; the risk is low, not high",
        "1 file, 2 problems, 2 tests, 1 failed.",
    ]


def test_test_names_the_tests_that_passed_too(double, python, file):
    double.on("check", found(True, tests=[PASSED]))
    done = python.run("policy", "test", file)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"{file}: passed: a lead")


def test_every_file_is_asked_about_and_one_bad_one_is_enough(double, python, file, tmp_path):
    other = tmp_path / "bank.yaml"
    other.write_text("policy: bank\n")
    double.on("check", found(problems=[MISTAKE]), found(True))
    done = python.run("policy", "check", file, str(other))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        1,
        "2 files, 1 problem, 0 tests, 0 failed.",
    )
    assert [body["document"] for body in double.sent("check")] == [
        "policy: shop\n",
        "policy: bank\n",
    ]


def test_json_has_the_answers_as_they_came(double, python, file):
    double.on("check", found(problems=[MISTAKE]))
    done = python.run("policy", "check", "--json", file)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"]) == (1, False)
    assert (answer["files"][0]["file"], answer["files"][0]["problems"]) == (file, [MISTAKE])


@pytest.mark.parametrize(
    ("raw", "said"), [(b"a: \xff\n", "not valid UTF-8"), (b"#" * 65537, "too large")]
)
def test_a_file_that_is_no_document_is_told_without_the_portal(double, python, file, raw, said):
    Path(file).write_bytes(raw)
    done = python.run("policy", "check", file)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{file}:1:1: ")
    assert said in done.stdout
    assert double.calls == []


def test_hidden_characters_of_an_answer_are_made_visible(double, python, file):
    double.on("check", found(problems=[{**MISTAKE, "message": "x\x1b[31m\ny:1:1: z"}]))
    done = python.run("policy", "check", file)
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 2


def test_explain_prints_the_outcome_the_rules_and_what_would_pass(double, python, file):
    double.on("explain", says())
    done = python.run("policy", "explain", "--request", "R-214", file)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"{file}: review",
        f"  {ASKS}",
        "    To pass: 1 approval from leads.",
        "1 file, 0 problems.",
    ]
    assert double.sent("explain") == [{"document": "policy: shop\n", "request": 214}]


def test_explain_takes_facts_from_a_file(double, python, file, tmp_path):
    facts = tmp_path / "facts.json"
    facts.write_text('{"git.head": null}')
    double.on("explain", says())
    assert python.run("policy", "explain", "--facts", str(facts), file).returncode == 0
    assert double.sent("explain")[0]["facts"] == {"git.head": None}


def test_explain_says_when_the_policy_is_for_something_else(double, python, file):
    double.on("explain", says(ok=False, matches=False, verdict=None))
    done = python.run(
        "policy", "explain", "--request", "01a20ff0-ac36-74fa-b666-2bdf9b68a957", file
    )
    assert done.returncode == 1
    assert "does not match" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("judge", "FILE"),
        ("check", "no-such-file.yaml"),
        ("check", "--request", "1", "FILE"),
        ("explain", "FILE"),
        ("explain", "--request", "1", "--facts", "x", "FILE"),
        ("explain", "--facts", "no-such.json", "FILE"),
    ],
)
def test_wrong_usage_ends_with_64_and_asks_nothing(double, python, file, arguments):
    named = [file if argument == "FILE" else argument for argument in arguments]
    assert python.run("policy", *named).returncode == 64
    assert double.calls == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (HangUp(), 69),
        (problem(404, "not-found"), 64),
        (problem(403, "missing-scope"), 65),
        (Answer(200, {"ok": True}), 69),
        (Answer(200, {"ok": 1, "problems": [], "groups": [], "tests": []}), 69),
        (Answer(200, {"ok": True, "problems": ["x"], "groups": [], "tests": []}), 69),
        (Answer(200, b"<html>", "text/html"), 69),
    ],
)
def test_no_whole_answer_never_counts_as_well(double, python, file, answer, code):
    double.on("check", answer)
    done = python.run("policy", "check", "--retry-for", "0s", file)
    assert (done.returncode, done.stdout) == (code, "")
