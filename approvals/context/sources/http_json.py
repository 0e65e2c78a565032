"""Facts of any system that answers with JSON: each is one place in the answer."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from approvals.context.connected import BadSetting, ConnectedSource, Field, HasSettings
from approvals.context.fetch import Fetch, NotThere
from approvals.context.pointer import Missing, parse_pointer, value_at
from approvals.context.source import Question
from policies.language.schema import CURRENT_SCHEMA, SCHEMAS

COUNT = "count"
MOST_FACTS = 50
_PLACE = re.compile(r"\{([^{}]*)\}")
PLACES = ("project", "environment", "action", "commit", "ref", "artifact", "plan")


@dataclass(frozen=True)
class Wanted:
    """A fact and where it stands in the answer; `count`: how many stand there."""

    name: str
    pointer: tuple[str, ...]
    count: bool

    def value(self, answer: Any) -> object | None:
        """The value, None when there is none."""
        try:
            found = value_at(answer, self.pointer)
        except Missing:
            return None
        if self.count:
            return len(found) if isinstance(found, list | dict) else None
        return found  # type: ignore[no-any-return]


class HttpJsonSource(ConnectedSource):
    """Asks one address and picks facts out of the answer."""

    name = "http_json"
    title = "HTTP and JSON"
    help = "Any system that answers with JSON: open incidents, who is on call, a release gate."
    gives = ("metric", "flag", "text", "items")
    silence = "the answer has nothing at that place, or the request names nothing to ask about"
    fields = (
        Field(
            "url",
            "Address",
            "url",
            "After the host it may hold {project}, {environment}, {action}, {commit}, {ref}, "
            "{artifact} and {plan}.",
        ),
        Field(
            "header",
            "Header of the secret",
            help="The header that carries the secret below.",
            required=False,
            default="Authorization",
        ),
        Field(
            "secret",
            "Secret",
            "secret",
            "The whole value of that header, for example: Bearer 1234.",
            required=False,
        ),
        Field(
            "facts",
            "Facts",
            "lines",
            "One on each line, as in “metric.error_rate = /data/0/rate”. The first word fixes the "
            "type: metric is a number, flag true or false, text a text, items a list of texts. A "
            "segment * stands for every element; “| count” at the end counts what stands there.",
        ),
    )

    def names(self, connection: HasSettings) -> frozenset[str]:
        return frozenset(one.name for one in wanted_facts(str(connection.settings["facts"])))

    def clean(self, settings: Mapping[str, Any]) -> None:
        for place in _PLACE.findall(settings["url"]):
            if place not in PLACES:
                raise BadSetting("url", f"There is no {{{place}}}; known: {', '.join(PLACES)}.")
        if not re.fullmatch(r"[A-Za-z0-9-]*", settings["header"]):
            raise BadSetting("header", "This is no name of a header.")
        try:
            wanted_facts(settings["facts"])
        except ValueError as problem:
            raise BadSetting("facts", str(problem)) from None

    def check(self, fetch: Fetch) -> str:
        if _PLACE.search(fetch.settings["url"]):
            return self._check_server(fetch)
        answer = self._answer(fetch, fetch.settings["url"])
        wanted = wanted_facts(fetch.settings["facts"])
        missing = [one.name for one in wanted if one.value(answer) is None]
        if missing:
            return f"It answers, but has nothing for {', '.join(missing)}."
        return f"It answers, and has a value for each of the {len(wanted)} facts."

    def _check_server(self, fetch: Fetch) -> str:
        with suppress(NotThere):  # as it should say of what is not there
            self._answer(fetch, _PLACE.sub("0", fetch.settings["url"]))
        return "It answers. What it says about a request is seen when one asks."

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        url = filled(fetch.settings["url"], question)
        if not url:
            return {}
        try:
            answer = self._answer(fetch, url)
        except NotThere:
            return {}
        return {one.name: one.value(answer) for one in wanted_facts(fetch.settings["facts"])}

    def _answer(self, fetch: Fetch, url: str) -> Any:
        secret, header = fetch.secrets.get("secret"), fetch.settings.get("header")
        return fetch.json(url, headers={header: secret} if secret and header else None)


def filled(url: str, question: Question) -> str:
    """The address about one request; empty when the request does not name what belongs there."""
    known = {
        "project": question.project,
        "environment": question.environment,
        "action": question.action,
        **question.subject,
    }
    values = {place: known.get(place, "") for place in _PLACE.findall(url)}
    # A value of dots would lead to another place.
    if any(value in {"", ".", ".."} for value in values.values()):
        return ""
    return _PLACE.sub(lambda place: quote(values[place[1]], safe=""), url)


@lru_cache(maxsize=256)
def wanted_facts(text: str) -> tuple[Wanted, ...]:
    """The facts that the setting names. Raises ValueError with a sentence for people."""
    lines = [line.strip() for line in text.splitlines()]
    found = [_wanted(number, line) for number, line in enumerate(lines, start=1) if line]
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} stands there twice.")
    if not 0 < len(found) <= MOST_FACTS:
        raise ValueError(f"Name at least one fact and at most {MOST_FACTS}.")
    return tuple(found)


def _wanted(number: int, line: str) -> Wanted:
    name, equals, place = (part.strip() for part in line.partition("="))
    if not equals:
        raise ValueError(f"Line {number}: write it like metric.error_rate = /data/0/rate.")
    if name.partition(".")[0] not in HttpJsonSource.gives or name not in SCHEMAS[CURRENT_SCHEMA]:
        raise ValueError(
            f"Line {number}: “{name}” is no name of a fact; write metric, flag, text or items, a "
            "dot, and small letters, digits and _."
        )
    pointer, bar, what = (part.strip() for part in place.partition("|"))
    if bar and what != COUNT:
        raise ValueError(f"Line {number}: only count may stand behind |.")
    try:
        return Wanted(name, parse_pointer(pointer), bool(bar))
    except ValueError:
        raise ValueError(
            f"Line {number}: “{pointer}” is no place; one begins with a slash, as in /data/0/rate."
        ) from None
