"""What people write down for Prometheus: named queries, and what else is asked about each."""

import re
from functools import lru_cache

from approvals.context.places import check_places
from policies.language.schema import CURRENT_SCHEMA, SCHEMAS

MOST_QUERIES = 20
STEPS = 60  # of a window
_LINE = re.compile(r"(?P<name>[\w.]+)\s*(?:\((?P<more>[^()]*)\))?\s*=(?P<query>.*)")
_MORE = re.compile(r"(before|min|max|avg)\s+([1-9][0-9]{0,3})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LONGEST = 5 * 604_800
# One metric by its name and labels: what a recording rule gives, too.
_SELECTOR = re.compile(
    r"""[A-Za-z_:][\w:]*(?:\{(?:[^{}"'`]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\})?"""
)


@lru_cache(maxsize=256)
def named_queries(text: str) -> dict[str, str]:
    """Queries by fact name. Raises ValueError with a sentence for people.

    A line is `metric.NAME = QUERY`, or `metric.NAME (before 1h, max 15m) = QUERY`, which gives
    `metric.NAME_before` and `metric.NAME_max` too.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            queries = _queries(line.strip())
        except ValueError as problem:
            raise ValueError(f"Line {number}: {problem}") from None
        twice = found.keys() & queries.keys()
        if twice:
            raise ValueError(f"Line {number}: {min(twice)} stands there twice.")
        found.update(queries)
    if not 0 < len(found) <= MOST_QUERIES:
        raise ValueError(f"Name at least one number and at most {MOST_QUERIES}.")
    return found


def _queries(line: str) -> dict[str, str]:
    parts = _LINE.fullmatch(line)
    query = parts["query"].strip() if parts else ""
    if parts is None or not query:
        raise ValueError("write it like metric.error_rate (before 1h) = sum(rate(errors[5m])).")
    check_places(query)
    found = {parts["name"]: query}
    for more in [] if parts["more"] is None else parts["more"].split(","):
        what, windowed = _windowed(more.strip(), query)
        name = f"{parts['name']}_{what}"
        if name in found:
            raise ValueError(f"{name} stands there twice.")
        found[name] = windowed
    for name in found:
        if name.partition(".")[0] != "metric" or name not in SCHEMAS[CURRENT_SCHEMA]:
            raise ValueError(f"“{name}” is no name; write metric., then small letters, 0-9 and _.")
    return found


def _windowed(more: str, query: str) -> tuple[str, str]:
    """The same number before, or over a while: asked as one query, which everybody can share."""
    parts = _MORE.fullmatch(more)
    seconds = int(parts[2]) * _SECONDS[parts[3]] if parts else 0
    if parts is None or seconds > LONGEST:
        raise ValueError(f"“{more}” is none of before, min, max, avg with a time, as in max 15m.")
    step = max(1, seconds // STEPS)
    inner = f"({query}\n)"  # it may end in a remark
    if parts[1] == "before":
        return "before", f"last_over_time({inner}[{step}s:{step}s] offset {seconds}s)"
    return parts[1], f"{parts[1]}_over_time({inner}[{seconds}s:{step}s])"


def not_older(query: str, seconds: int) -> str:
    """The query, without what was last seen longer ago than that.

    Prometheus repeats the last value of a metric for five minutes. Only for a metric by its name
    does it tell when it saw it; what is computed is as old as the windows it is computed of.
    """
    if not _SELECTOR.fullmatch(query):
        return query
    return f"{query} and (timestamp({query}) >= time() - {seconds})"
