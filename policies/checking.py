"""Looking at a document that is being written: problems, tests, what to know. Saves nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from policies.language.cautions import cautions_of, not_given
from policies.language.document import PolicyDocument
from policies.language.problems import Problem
from policies.language.testing import CaseResult, run_cases
from policies.models import Policy
from policies.named import names_given
from policies.publishing import InvalidPolicy, check_document, name_problems


@dataclass(frozen=True)
class Checked:
    """What was found in a text. Tests and cautions are told only where there is no problem."""

    problems: tuple[Problem, ...]
    results: tuple[CaseResult, ...] = ()
    cautions: tuple[Problem, ...] = ()

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The tests that fail."""
        return tuple(result for result in self.results if not result.passed)


def check_text(text: str, policy: Policy | None, by: Any) -> Checked:
    """What saving `text` as a version of `policy` (None: as a new one) would say to `by`.

    Whether they may save it is not asked here.
    """
    try:
        document = check_document(text)
    except InvalidPolicy as refusal:
        return Checked(refusal.problems)
    problems = name_problems(document, text, policy)
    return Checked(tuple(problems), run_cases(document), _to_know(document, text, by))


def _to_know(document: PolicyDocument, text: str, by: Any) -> tuple[Problem, ...]:
    found = cautions_of(document, text)
    if document.reads_named:
        found += not_given(document, text, names_given(document, by))
    return tuple(sorted(found))


def unreadable(messages: Iterable[str]) -> Checked:
    """For a text that is refused before it is read."""
    return Checked(tuple(Problem(1, 1, message) for message in messages))
