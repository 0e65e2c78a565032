"""A finished backtest as CSV and as JSON, written row by row."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from approvals.backtest.result import Result
from approvals.models import BacktestChange
from portal.kernel.cells import harmless
from portal.kernel.clock import rfc3339

CHUNK = 1_000
COLUMNS = (
    "request",
    "id",
    "project",
    "environment",
    "action",
    "asked_at",
    "old",
    "new",
    "people_then",
    "people_now",
    "rests_on_unknown_facts",
)


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def as_csv(rows: Iterable[BacktestChange]) -> Iterator[str]:
    """One line for each changed request, under a line of names."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([harmless(value) for value in _values(row).values()])


def as_json(result: Result, rows: Iterable[BacktestChange]) -> Iterator[bytes]:
    """The whole result; `requests`, last, are the changed ones."""
    yield orjson.dumps(_summary(result))[:-1] + b',"requests":['
    separator = b"\n"
    for row in rows:
        yield separator + orjson.dumps(_values(row))
        separator = b",\n"
    yield b"\n]}\n"


def _values(row: BacktestChange) -> dict[str, Any]:
    request, change = row.request, row.what
    values = (
        str(request),
        str(request.pk),
        request.project.slug,
        request.environment.name,
        request.action,
        rfc3339(request.created_at),
        change.old,
        change.new,
        row.people_then,
        row.people_now,
        row.unsure,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _summary(result: Result) -> dict[str, Any]:
    backtest, totals = result.backtest, result.totals
    version = backtest.version
    then, now = result.decisions
    weekly = result.weekly
    return {
        "policy": version.policy.name,
        "version": version.number,
        "digest": version.digest,
        "since": rfc3339(backtest.since),
        "until": rfc3339(backtest.until),
        "replayed": totals.requests,
        "touched": totals.touched,
        "changed": result.changed,
        "unreadable": totals.unreadable,
        "changes": [
            {
                "old": row.change.old,
                "new": row.change.new,
                "people": row.change.shift or "same",
                "requests": row.count,
                "rests_on_unknown_facts": row.unsure,
            }
            for row in result.changes
        ],
        "rules": {
            row.rule: {"applies": row.applies, "cannot_tell": row.cannot_tell}
            for row in [*result.rules, *result.never]
        },
        "facts_missing_then": dict(result.missing),
        "decisions": {"then": then, "now": now},
        "decisions_a_week": {"then": weekly[0], "now": weekly[1]} if weekly else None,
    }
