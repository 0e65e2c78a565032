"""The rows of a report, read from the database as they are written out."""

from collections.abc import Generator
from typing import Any

from django.db import connection, transaction

from approvals.audit.reports.filters import ReportFilters
from approvals.audit.reports.report import Report

Row = tuple[Any, ...]
CHUNK = 2_000


def stream(report: Report, filters: ReportFilters) -> Generator[Row, None, None]:
    """Every row, through a cursor of the server: memory does not grow with their number.

    Closing the iterator ends the statement.
    """
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(report.statement(), filters.parameters())
        while rows := cursor.fetchmany(CHUNK):
            yield from rows


def first_rows(report: Report, filters: ReportFilters, most: int) -> list[Row]:
    """The first `most` of them."""
    with connection.cursor() as cursor:
        cursor.execute(report.first(), filters.parameters() | {"most": most})
        return list(cursor.fetchall())


def totals(report: Report, filters: ReportFilters) -> list[tuple[str, int]]:
    """How many rows there are of each kind, the most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(report.totals(), filters.parameters())
        return list(cursor.fetchall())
