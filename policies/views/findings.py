"""What was found in a document, ready to be shown at its lines."""

import re
from dataclasses import dataclass

from policies.checking import Checked
from policies.language.problems import Problem
from policies.language.testing import CaseResult

SHOWN = 60  # characters of a long line around the place


@dataclass(frozen=True)
class Place:
    """One finding at its line; `mark` is the word it is about, between `before` and `after`."""

    line: int
    column: int
    message: str
    before: str
    mark: str
    after: str


@dataclass(frozen=True)
class Findings:
    """`refused`: somebody tried to save it. `said`: what became of another wish."""

    problems: list[Place]
    tests: tuple[CaseResult, ...]
    failed: int
    cautions: list[Place]
    refused: bool = False
    said: str = ""

    @property
    def colour(self) -> str:
        """The state colour of the whole."""
        return "bad" if self.problems else "warn" if self.failed else "ok"


def findings_of(checked: Checked, text: str) -> Findings:
    """The findings with the lines of `text` that they are about."""
    lines = text.replace("\r\n", "\n").split("\n")
    return Findings(
        problems=[_place(problem, lines) for problem in checked.problems],
        tests=checked.results,
        failed=len(checked.failed),
        cautions=[_place(caution, lines) for caution in checked.cautions],
    )


def _place(problem: Problem, lines: list[str]) -> Place:
    line = lines[problem.line - 1] if problem.line <= len(lines) else ""
    at = problem.column - 1
    word = re.compile(r"[\w.-]+|\S").match(line, at)
    end = word.end() if word else at
    before, after = line[:at].lstrip(), line[end:].rstrip()
    if len(before) > SHOWN:
        before = "…" + before[-SHOWN:]
    if len(after) > SHOWN:
        after = after[:SHOWN] + "…"
    return Place(problem.line, problem.column, problem.message, before, line[at:end][:SHOWN], after)
