"""Looking at a document in a file without a portal: its mistakes, and how its tests go."""

from collections.abc import Iterable
from dataclasses import dataclass

from policies.language.document import PolicyDocument
from policies.language.nodes import MAX_BYTES
from policies.language.parse import parse_policy
from policies.language.problems import PolicyError, Problem
from policies.language.testing import CaseResult, run_cases
from portal.kernel.canonical import JSON
from portal.kernel.text import text_problem


@dataclass(frozen=True)
class CheckedAlone:
    """What was found. `document` is None, and no test was run, where there is a problem."""

    document: PolicyDocument | None
    problems: tuple[Problem, ...]
    results: tuple[CaseResult, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """As the API and the command print it; `policy` is empty where it cannot be read."""
        return {
            "ok": self.ok,
            "policy": self.document.policy if self.document else "",
            "problems": problems_json(self.problems),
            "tests": [_test_json(result) for result in self.results],
        }

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong and every test passes."""
        return not self.problems and all(result.passed for result in self.results)


def problems_json(problems: Iterable[Problem]) -> list[JSON]:
    """Line, column and message of each."""
    return [{"line": p.line, "column": p.column, "message": p.message} for p in problems]


def _test_json(result: CaseResult) -> JSON:
    return {
        "name": result.case.name,
        "line": result.case.line,
        "column": result.case.column,
        "passed": result.passed,
        "verdict": result.verdict.outcome.value,
        "because": list(result.because),
        "differences": list(result.differences),
    }


def check_alone(text: str) -> CheckedAlone:
    """Load the document as saving does, and run its tests."""
    if unusual := _unusual(text):
        return CheckedAlone(None, (unusual,))
    try:
        document = parse_policy(text)
    except PolicyError as error:
        return CheckedAlone(None, error.problems)
    return CheckedAlone(document, (), run_cases(document))


def read_file(raw: bytes) -> str:
    """The text of a file, with LF line ends. Raises PolicyError for what is no text."""
    if len(raw) > MAX_BYTES:
        message = f"the document is too large; at most {MAX_BYTES // 1024} KiB"
        raise PolicyError([Problem(1, 1, message)])
    try:
        text = raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        raise PolicyError([Problem(line, column, "the document is not valid UTF-8")]) from None
    if unusual := _unusual(text):
        raise PolicyError([unusual])
    return text


def _unusual(text: str) -> Problem | None:
    """The first control character: YAML takes some that no stored text may have."""
    for number, line in enumerate(text.split("\n"), start=1):
        if said := text_problem(line, multiline=True):
            column = next(n for n, c in enumerate(line, 1) if text_problem(c, multiline=True))
            return Problem(number, column, f"the document {said}")
    return None
