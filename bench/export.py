"""The change population of many requests as JSON Lines and CSV, beside a binary COPY of it.

The COPY is of the same statement, so what is compared is the cursor, the writing and the digest.
"""

import resource
from collections.abc import Callable, Iterable
from itertools import islice
from time import perf_counter

import psycopg

from approvals.audit.reports import REPORTS
from approvals.audit.reports.filters import ReportFilters, report_filters
from approvals.audit.reports.rows import stream
from approvals.audit.reports.write_text import as_csv, as_json_lines
from approvals.audit.scope import AuditScope
from bench.figures import Figure
from bench.many import Place, copy_requests
from bench.world import Database
from portal.directory.models import ApproverGroup
from tests import factories

FEWER = 10_000
REPORT = REPORTS["population"]


def run(base: Database, size: int) -> list[Figure]:
    """Both forms as a share of the COPY's speed, and memory with few rows and with all."""
    _prepare(base, size)
    filters = report_filters(AuditScope(None), {"since": "2000-01-01", "until": "2200-01-01"})
    _consume(as_csv(REPORT.names, islice(stream(REPORT, filters), FEWER)))
    few = _peak()
    copied = _copy_seconds(base, filters)
    shares = {
        "JSON Lines": copied / _seconds(lambda: as_json_lines(REPORT.names, _rows(filters))),
        "CSV": copied / _seconds(lambda: as_csv(REPORT.names, _rows(filters))),
    }
    note = f"COPY: {size / copied:,.0f} rows/s"
    return [
        Figure("population as JSON Lines / binary COPY", shares["JSON Lines"], at_least=0.5,
               note=note),
        Figure("population as CSV / binary COPY", shares["CSV"], at_least=0.3, note=note),
        Figure(f"peak memory, {size:,} / {FEWER:,} rows", _peak() / few, at_most=1.2,
               note=f"{_peak():.0f} / {few:.0f} MiB"),
    ]  # fmt: skip


def _prepare(base: Database, size: int) -> None:
    who = factories.company()
    team = ApproverGroup.objects.get(name="team-leads")
    copy_requests(
        base.server.owner_url, factories.ask(who), [Place(who.production, team)],
        pending=0, over=size,
    )  # fmt: skip


def _rows(filters: ReportFilters) -> Iterable[tuple[object, ...]]:
    return stream(REPORT, filters)


def _consume(parts: Iterable[bytes]) -> None:
    for _part in parts:
        pass


def _seconds(parts: Callable[[], Iterable[bytes]]) -> float:
    begun = perf_counter()
    _consume(parts())
    return perf_counter() - begun


def _copy_seconds(base: Database, filters: ReportFilters) -> float:
    with psycopg.connect(base.server.app_url) as one:
        statement = psycopg.ClientCursor(one).mogrify(REPORT.statement(), filters.parameters())
        begun = perf_counter()
        with one.cursor().copy(f"COPY ({statement}) TO STDOUT (FORMAT binary)") as rows:
            for _row in rows:
                pass
    return perf_counter() - begun


def _peak() -> float:
    """MiB of this process at most, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
