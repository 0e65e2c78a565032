"""Values of a request in a query: put in as quoted text, so that none of them changes the query.

A place is `{environment}`, `{project}` or `{commit}` and stands where a label's value stands, after
`=` or `!=`. Inside a text of the query it is refused, for there a value could end the text; after
`=~` too, for there it would be a pattern.
"""

import re
from collections.abc import Mapping

from approvals.context.source import Question

PLACES = ("environment", "project", "commit")
# A text, a remark, a place, or a quotation mark that opens nothing.
_TOKEN = re.compile(
    r""" "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `[^`]*` | \#[^\n]* | \{[a-z_]+\} | ["'`] """,
    re.VERBOSE,
)
_MARKS = frozenset("\"'`")
_ANY = re.compile(r"\{(?:" + "|".join(PLACES) + r")\}")


def check_places(query: str) -> None:
    """Raise ValueError, with a sentence for people, for a place that could not be filled."""
    for token in _TOKEN.finditer(query):
        text = token[0]
        if text in _MARKS:
            raise ValueError(f"a text that begins with {text} does not end.")
        if text[0] in _MARKS and (inside := _ANY.search(text)):
            raise ValueError(f"write {inside[0]} without quotation marks; they are put around it.")
        if text[0] == "{":
            _check_place(text, query[: token.start()].rstrip())


def _check_place(place: str, before: str) -> None:
    if place[1:-1] not in PLACES:
        known = ", ".join(f"{{{name}}}" for name in PLACES)
        raise ValueError(f"there is no {place}; known: {known}.")
    if not before.endswith("="):
        raise ValueError(f"{place} can stand only behind = or !=, as the value of a label.")


def has_places(query: str) -> bool:
    """Whether the query is about one request."""
    return any(token[0][0] == "{" for token in _TOKEN.finditer(query))


def values_of(question: Question) -> dict[str, str]:
    """What the request says for each place."""
    return {
        "environment": question.environment,
        "project": question.project,
        "commit": question.commit,
    }


def filled(query: str, values: Mapping[str, str]) -> str:
    """The query about one request; empty when it names no value for a place of it.

    An empty value would not do: to be without the label is to have it empty.
    """
    wanted = [token[0][1:-1] for token in _TOKEN.finditer(query) if token[0][0] == "{"]
    if not all(values.get(name) for name in wanted):
        return ""
    return _TOKEN.sub(lambda token: _put(token[0], values), query)


def _put(text: str, values: Mapping[str, str]) -> str:
    return quoted(values[text[1:-1]]) if text[0] == "{" else text


def quoted(text: str) -> str:
    """`text` between quotation marks, as Prometheus and Alertmanager read it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
