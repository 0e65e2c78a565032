"""`python -m policies.language`: the same answers without a portal."""

import json
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from approvals.ci.present import present_facts
from policies.language.check import check_alone, read_file
from policies.language.downloaded import SchemaError, read_schema
from policies.language.problems import PolicyError
from policies.language.schema import SCHEMAS

ROOT = Path(__file__).parents[3]
DOCUMENT = """\
policy: shop
facts: v1
match: {projects: [shop], environments: ["*"], actions: [deploy]}
rules:
  - id: production-lead
    when: request.environment == 'production'
    require: {count: 1, from: [team-leads]}
default: {require: {count: 1, from: [team-leads]}}
tests:
  - name: production needs a lead
    given: {request.environment: production}
    expect: {verdict: review, because: [production-lead]}
"""
FACT = {
    "name": "ops.moon", "kind": "string", "provenance": "attested",
    "meaning": "Phase of the moon.", "enumeration": ["new", "full"], "unit": "",
    "example": "full",
}  # fmt: skip


def downloaded(*more):
    """The answer of the API, with further facts."""
    answer = present_facts("v1")
    return orjson.dumps({**answer, "facts": [*answer["facts"], *more]})


@pytest.fixture
def command(tmp_path):
    """Runs the command on a document, from a checkout, with nothing of the tests around it."""

    def run(verb, text, *options):
        path = tmp_path / "shop.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return subprocess.run(
            [sys.executable, "-m", "policies.language", verb, *options, str(path)],
            cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True,
        )  # fmt: skip

    return run


def test_a_good_document_passes_and_its_tests_are_named(command):
    done = command("test", DOCUMENT)
    assert done.returncode == 0, done.stderr
    passed, total = done.stdout.splitlines()
    assert passed.endswith("shop.yaml: passed: production needs a lead")
    assert total == "1 file, 0 problems, 1 test, 0 failed."
    assert "groups were not looked up" in done.stderr


def test_a_failing_test_is_a_line_with_its_place(command):
    done = command("check", DOCUMENT.replace("verdict: review", "verdict: allow"))
    assert done.returncode == 1
    assert "shop.yaml:10:5: production needs a lead: the verdict is review" in done.stdout


def test_json_is_what_the_api_answers(command):
    done = command("check", DOCUMENT.replace("environment ==", "enviroment =="), "--json")
    answer = json.loads(done.stdout)
    (file,) = answer["files"]
    assert (done.returncode, answer["ok"], file["ok"], file["groups"]) == (1, False, False, [])
    assert (file["problems"][0]["line"], file["problems"][0]["column"]) == (6, 11)


def test_the_schema_of_a_portal_is_used_instead_of_our_own(command, tmp_path):
    text = DOCUMENT.replace("request.environment == 'production'", "ops.moon == 'ful'")
    assert "unknown fact 'ops.moon'" in command("check", text).stdout
    schema = tmp_path / "facts.json"
    schema.write_bytes(downloaded(FACT))
    done = command("check", text, "--schema", str(schema))
    assert "'ful'" in done.stdout
    assert "unknown fact" not in done.stdout
    text = text.replace("'ful'", "'full'").replace(
        "request.environment: production", "ops.moon: full"
    )
    assert command("test", text, "--schema", str(schema)).returncode == 0


def test_wrong_usage_ends_with_64(command, tmp_path):
    schema = tmp_path / "facts.json"
    schema.write_text("{}")
    assert command("judge", DOCUMENT).returncode == 64
    assert command("check", DOCUMENT, "no-such-file.yaml").returncode == 64
    done = command("check", DOCUMENT, "--schema", str(schema))
    assert (done.returncode, done.stdout) == (64, "")
    assert "download it from the portal again" in done.stderr


def test_a_downloaded_schema_is_the_one_of_the_code():
    name, schema = read_schema(downloaded())
    assert (name, schema) == ("v1", SCHEMAS["v1"])


FAMILY = {"name": "metric", "kind": "double", "meaning": "A number.", "example": 0.5}
WHOLE = {"version": "v1", "facts": [FACT], "families": [FAMILY]}


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", json.dumps({**WHOLE, "version": 1}).encode()])
def test_what_is_no_schema_is_refused(raw):
    read_schema(json.dumps(WHOLE).encode())
    with pytest.raises(SchemaError):
        read_schema(raw)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        *(("facts", wrong) for wrong in ([], [1], [{}], "x", None, [FACT] * 2_001)),
        *(("families", wrong) for wrong in ([1], [{}], "x", None)),
        *(("facts", [{**FACT, **wrong}]) for wrong in (
            {"kind": "text"}, {"provenance": "rumoured"}, {"name": "moon"}, {"name": 1},
            {"enumeration": [1]}, {"unit": None}, {"name": ["ops"]},
        )),
        *(("families", [{**FAMILY, **wrong}]) for wrong in (
            {"kind": "text"}, {"name": 1}, {"meaning": None},
        )),
    ],
)  # fmt: skip
def test_a_schema_with_a_wrong_part_is_refused(part, wrong):
    with pytest.raises(SchemaError):
        read_schema(json.dumps({**WHOLE, part: wrong}).encode())


def test_a_file_is_read_as_it_would_be_stored():
    assert read_file(b"a: b\r\nc: d\r\n") == "a: b\nc: d\n"
    assert read_file("é".encode()) == "é"
    with pytest.raises(PolicyError, match=r"line 2, column 3: .*UTF-8"):
        read_file("a\nbé".encode() + b"\xff")
    with pytest.raises(PolicyError, match="too large"):
        read_file(b"#" * (64 * 1024 + 1))


@pytest.mark.parametrize(("text", "place"), [("a: b\n c\x85d", (2, 3)), ("a\rb", (1, 2))])
def test_a_control_character_that_yaml_would_take_is_a_problem(text, place):
    (problem,) = check_alone(text).problems
    assert (problem.line, problem.column) == place
    assert "control character" in problem.message
