"""The checks of a commit one by one, what did not pass first, each with its page at the forge."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from policies.language.facts import Facts, Known

STATES: Mapping[str, str | Promise] = {
    "failed": _("failed"),
    "pending": _("still runs"),
    "neutral": _("need not pass"),
    "passed": _("passed"),
}


@dataclass(frozen=True)
class CheckLine:
    """One check; `page` is empty where the forge names none."""

    state: str
    word: str
    name: str
    page: str


@dataclass(frozen=True)
class Checks:
    """What did not pass, and the rest, which is opened."""

    open: list[CheckLine]
    passed: list[CheckLine]

    @property
    def count(self) -> int:
        """All of them."""
        return len(self.open) + len(self.passed)


def checks_of(facts: Facts) -> Checks | None:
    """None where they are not known one by one, or there are none."""
    state = facts.state("ci.checks")
    if not isinstance(state, Known) or not isinstance(state.value, tuple):
        return None
    rows = [parts for text in state.value if len(parts := text.split(" ", 2)) == 3]
    lines = [
        CheckLine(word, str(STATES[word]), name, page if page.startswith("https://") else "")
        for word, page, name in rows
        if word in STATES
    ]
    ordered = sorted(lines, key=lambda line: (list(STATES).index(line.state), line.name))
    found = Checks(
        [line for line in ordered if line.state != "passed"],
        [line for line in ordered if line.state == "passed"],
    )
    return found if found.count else None
