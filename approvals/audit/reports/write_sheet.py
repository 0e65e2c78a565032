"""A report as one sheet for spreadsheet programs."""

import io
from collections.abc import Iterable, Sequence

import xlsxwriter

from approvals.audit.reports.rows import Row
from portal.kernel.cells import harmless

MOST_ROWS = 100_000
LONGEST = 32_767  # characters a cell can hold


def as_sheet(names: Sequence[str], rows: Iterable[Row]) -> bytes:
    """The workbook; its rows go through a temporary file. Raises ValueError over MOST_ROWS."""
    file = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, names, book.add_format({"bold": True}))
        for number, row in enumerate(rows, start=1):
            if number > MOST_ROWS:
                raise ValueError(f"more than {MOST_ROWS} rows")
            for column, value in enumerate(row):
                if isinstance(value, int):
                    sheet.write_number(number, column, value)
                elif value:
                    sheet.write_string(number, column, harmless(value)[:LONGEST])
    return file.getvalue()
