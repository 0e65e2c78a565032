"""A report on paper: how many rows there are of each kind, and the first of them."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice

from django.utils.translation import gettext as _

from approvals.audit.pdf.document import Document, Note, Part, Section, Table, both
from approvals.audit.pdf.write_pdf import as_pdf
from approvals.audit.reports.download import Form
from approvals.audit.reports.filters import ReportFilters
from approvals.audit.reports.report import Report
from approvals.audit.reports.rows import Row, totals
from portal.kernel.clock import now

ROWS = 50
COLUMNS = 9  # a page is not wider
KINDS = 40


def summary_form(report: Report, filters: ReportFilters) -> Form:
    """The kind of file that this report is on paper."""
    return Form("pdf", "application/pdf", partial(_write, report, filters))


def _write(
    report: Report, filters: ReportFilters, names: Sequence[str], rows: Iterable[Row]
) -> list[bytes]:
    first = [dict(zip(names, row, strict=True)) for row in islice(rows, ROWS)]
    return [as_pdf(_document(report, filters, first))]


def _document(report: Report, filters: ReportFilters, first: list[dict[str, object]]) -> Document:
    counts = totals(report, filters)
    total = sum(count for _name, count in counts)
    shown = report.columns[:COLUMNS]
    title = next(str(one.title) for one in report.columns if one.name == report.by)
    kinds = [[name or _("none"), f"{count:,}"] for name, count in counts[:KINDS]]
    lines = [[_cell(row, one.name, one.kind) for one in shown] for row in first]
    widths = [3 if one.kind == "time" else 2 for one in shown]
    listed: list[Part] = [Table([str(one.title) for one in shown], lines, widths)]
    if len(first) < total or len(shown) < len(report.columns):
        listed.append(Note(_("CSV, JSON Lines and XLSX have every row and every column.")))
    return Document(
        title=str(report.title),
        about=_about(report, filters),
        made=_("Made %(moment)s") % {"moment": both(now())},
        page=_("Page {n} of {m}"),
        landscape=True,
        sections=[
            Section(
                _("%(n)s in all") % {"n": f"{total:,}"},
                [Note(str(report.help)), Table([title, _("Rows")], kinds)],
            ),
            Section(_("The first %(n)d") % {"n": len(first)}, listed),
        ],
    )


def _about(report: Report, filters: ReportFilters) -> str:
    said = [_("times in %(zone)s and in UTC") % {"zone": filters.zone_name}]
    if report.periodic:
        said.insert(0, _("%(since)s to %(until)s, whole days") % filters.query())
    places = [one.name for one in (filters.project, filters.environment) if one]
    return " · ".join([*places, *said])


def _cell(row: dict[str, object], name: str, kind: str) -> str:
    value = row[name]
    if kind != "time" or not value:
        return "" if value is None else str(value)
    local, utc = (str(row[one])[:19].replace("T", " ") for one in (name, f"{name}_utc"))
    return local if local == utc else f"{local}\n{utc} UTC"
