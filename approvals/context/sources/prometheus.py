"""Numbers of Prometheus, or of what speaks its language: each is one named query."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from approvals.context.connected import BadSetting, ConnectedSource, Field, HasSettings
from approvals.context.credentials import SIGN_IN, check_sign_in, sign_in
from approvals.context.fetch import Fetch, Refused
from approvals.context.places import PLACES, filled, has_places, values_of
from approvals.context.promql import named_queries, not_older
from approvals.context.source import Question, SourceFailed
from policies.language.facts import Unknown

_LEAST_SECONDS = 60  # a shared answer may be half as old
_MOST_SECONDS = 86_400
_FOREIGN = "its answer is not what Prometheus answers"
_NO_VALUE = Unknown("the request names no value for the query", "absent")
_NOTHING = Unknown("the query has no result, or only older ones", "absent")
_ANY_VALUES = dict.fromkeys(PLACES, "-")


@dataclass(frozen=True)
class Sample:
    """A number and the time it is of."""

    number: float
    at: datetime


class PrometheusSource(ConnectedSource):
    """Asks one instant query for each number. No result is unknown, never 0."""

    name = "prometheus"
    title = "Prometheus"
    help = "Error rates, latencies, load: numbers of Prometheus, Thanos, Mimir or VictoriaMetrics."
    gives = ("metric",)
    silence = "the query has no result"
    fields = (
        Field("url", "Address", "url", "What stands before /api/v1, without a final slash."),
        Field(
            "queries",
            "Queries",
            "lines",
            "One on each line: “metric.load = sum(load{environment={environment}})”. Behind the "
            "name may stand, in parentheses, before, min, max and avg with a time: “metric.load "
            "(before 1h, max 15m) = …” gives metric.load_before and metric.load_max too. A query "
            "must have one result. {environment}, {project} and {commit} stand behind = without "
            "quotation marks.",
        ),
        Field(
            "oldest",
            "Oldest value",
            "number",
            "Seconds; what was last seen before that is unknown.",
            default=300,
            aside=True,
        ),
        *SIGN_IN,
    )

    def names(self, connection: HasSettings) -> frozenset[str]:
        return frozenset(named_queries(str(connection.settings["queries"])))

    def clean(self, settings: Mapping[str, Any]) -> None:
        check_sign_in(settings)
        if not _LEAST_SECONDS <= settings["oldest"] <= _MOST_SECONDS:
            raise BadSetting("oldest", f"Use {_LEAST_SECONDS} to {_MOST_SECONDS} seconds.")
        try:
            named_queries(settings["queries"])
        except ValueError as problem:
            raise BadSetting("queries", str(problem)) from None

    def check(self, fetch: Fetch) -> str:
        queries = named_queries(fetch.settings["queries"])
        said = {name: _asked(fetch, name, query) for name, query in queries.items()}
        now = {name: said[name] for name in queries if not has_places(queries[name])}
        silent = {name: one.reason for name, one in now.items() if isinstance(one, Unknown)}
        words = [f"It takes all {len(queries)} queries."]
        if now:
            words.append(f"{len(now) - len(silent)} of {len(now)} give a number now.")
        words += [f"{name}: {reason}." for name, reason in silent.items()]
        if len(now) < len(queries):
            words.append("What the others say about a request is seen when one asks.")
        return " ".join(words)

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        values = values_of(question)
        return {
            name: _read(fetch, filled(query, values), question.now)
            for name, query in named_queries(fetch.settings["queries"]).items()
        }


def _instant(fetch: Fetch, query: str) -> Sample | Unknown:
    newest = not_older(query, int(fetch.settings["oldest"]))
    params = {"query": newest}
    return _sample(fetch.json("api/v1/query", params=params, headers=sign_in(fetch)))


def _asked(fetch: Fetch, name: str, query: str) -> Sample | Unknown:
    """For the test of a connection, which fails where a query is not taken."""
    try:
        return _instant(fetch, filled(query, _ANY_VALUES))
    except Refused as refusal:
        raise SourceFailed(f"{name}: {_why(refusal)}") from None


def _read(fetch: Fetch, query: str, now: datetime) -> float | Unknown:
    if not query:
        return _NO_VALUE
    try:
        found = _instant(fetch, query)
    except Refused as refusal:
        if not refusal.said:
            raise
        return Unknown(_why(refusal), "unavailable")  # the other queries may be good
    if isinstance(found, Unknown):
        return found
    oldest = fetch.settings["oldest"]
    if abs(now - found.at) > timedelta(seconds=oldest):
        return Unknown(f"its answer is not of the last {oldest:g} s", "unavailable")
    return found.number


def _why(refusal: Refused) -> str:
    return f"it does not take the query ({refusal.said})" if refusal.said else str(refusal)


def _sample(answer: Any) -> Sample | Unknown:
    """The one number of an answer to an instant query, or why there is none."""
    data = _data(answer)
    if isinstance(data, Unknown):
        return data
    match data:
        case {"resultType": "vector", "result": []}:
            return _NOTHING
        case {"resultType": "vector", "result": [_, _, *_] as several}:
            return Unknown(f"the query has {len(several)} results, not one", "absent")
        case {"resultType": "vector", "result": [{"histogram": _}]}:
            return Unknown("the query gives a histogram, not a number", "absent")
        case {"resultType": "vector", "result": [{"value": value}]}:
            found = _point(value)
        case {"resultType": "scalar", "result": value}:
            found = _point(value)
        case {"resultType": "matrix" | "string" as kind}:
            return Unknown(f"the query gives a {kind}, not a number", "absent")
        case _:
            raise SourceFailed(_FOREIGN)
    if math.isfinite(found.number):
        return found
    return Unknown(f"the query gives {found.number}, which compares with nothing", "absent")


def _data(answer: Any) -> Any:
    """What the answer holds; Unknown where it may be a part only.

    Servers that ask others say in `warnings` that some did not answer.
    """
    match answer:
        case {"status": "success", "warnings": [first, *_]}:
            return Unknown(f"it warns that its answer may be wrong ({first})", "unavailable")
        case {"status": "success", "data": dict() as data}:
            return data
    raise SourceFailed(_FOREIGN)


def _point(pair: Any) -> Sample:
    match pair:
        case [int() | float() as at, str() as text]:
            with suppress(ValueError, OverflowError, OSError):  # no number, or no time
                return Sample(float(text), datetime.fromtimestamp(at, UTC))
    raise SourceFailed(_FOREIGN)
