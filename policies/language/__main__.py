"""`python -m policies.language check|test FILE...`: policy documents without a portal.

Says what `countersign policy` says, but for approver groups: only a portal knows them.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import orjson

from policies.language.check import CheckedAlone, check_alone, read_file
from policies.language.downloaded import SchemaError, read_schema
from policies.language.nodes import MAX_BYTES
from policies.language.problems import PolicyError
from policies.language.schema import use_schema
from portal.kernel.canonical import sha256_digest
from portal.kernel.text import make_visible

PROBLEMS, USAGE = 1, 64
MAX_SCHEMA = 4 * 1024 * 1024


class Parser(argparse.ArgumentParser):
    """Ends with the client's status for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.format_usage()}{self.prog}: {make_visible(message)}\n")


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 all is well, 1 problems or failing tests, 64 usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        if options.schema:
            use_schema(*read_schema(_read(options.schema, MAX_SCHEMA)))
        answers = [_answer(path) for path in options.files]
    except SchemaError as error:
        parser.error(f"{options.schema} is no fact schema: {error}")
    except (OSError, ValueError) as error:
        parser.error(f"cannot be read: {error}")
    ok = all(answer["ok"] for answer in answers)
    if options.json:
        _say(orjson.dumps({"ok": ok, "files": answers}, option=orjson.OPT_INDENT_2).decode())
    else:
        for line in _words(options.verb, answers):
            _say(line)
    sys.stderr.write("Approver groups were not looked up: only a portal knows them.\n")
    return 0 if ok else PROBLEMS


def _parser() -> Parser:
    parser = Parser("policies.language", description="Check policy documents without a portal.")
    parser.add_argument("verb", choices=("check", "test"))
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--schema", help="answer of GET /api/v1/policies/facts; default: our own")
    parser.add_argument("--json", action="store_true", help="answers as JSON")
    return parser


def _read(path: str, most: int) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(most + 1)


def _answer(path: str) -> dict[str, Any]:
    raw = _read(path, MAX_BYTES)
    try:
        text = read_file(raw)
        checked = check_alone(text)
    except PolicyError as error:
        text, checked = "", CheckedAlone(None, error.problems)
    digest = sha256_digest(text.encode())
    return {"file": path, **checked.to_json(), "digest": digest, "groups": []}


def _words(verb: str, answers: Sequence[dict[str, Any]]) -> Iterator[str]:
    """FILE:LINE:COLUMN: message; last, the sum."""
    problems = [(answer["file"], p) for answer in answers for p in answer["problems"]]
    tests = [(answer["file"], test) for answer in answers for test in answer["tests"]]
    for file, found in problems:
        yield f"{file}:{found['line']}:{found['column']}: {found['message']}"
    for file, test in tests:
        if not test["passed"]:
            said = f"{test['name']}: {'; '.join(test['differences'])}"
            yield f"{file}:{test['line']}:{test['column']}: {said}"
        elif verb == "test":
            yield f"{file}: passed: {test['name']}"
    failed = sum(not test["passed"] for _, test in tests)
    counts = [(len(answers), "file"), (len(problems), "problem"), (len(tests), "test")]
    words = [f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts]
    yield f"{', '.join(words)}, {failed} failed."


def _say(text: str) -> None:
    sys.stdout.write(f"{make_visible(text)}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
