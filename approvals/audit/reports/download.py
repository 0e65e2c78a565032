"""Taking a report out of the portal: recorded before the first row, and again after the last."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.reports.filters import ReportFilters
from approvals.audit.reports.online import require_online
from approvals.audit.reports.report import Report
from approvals.audit.reports.rows import Row, stream, totals
from approvals.audit.reports.write_sheet import MOST_ROWS, as_sheet
from approvals.audit.reports.write_text import as_csv, as_json_lines
from portal.accounts.models import User
from portal.kernel.errors import Conflict
from portal.kernel.ids import new_id
from portal.ledger.actors import person_actor
from portal.ledger.record import record

Parts = Generator[bytes, None, None]
Writer = Callable[[Sequence[str], Iterable[Row]], Iterable[bytes]]


@dataclass(frozen=True)
class Form:
    """A kind of file."""

    name: str
    content_type: str
    write: Writer


def _sheet(names: Sequence[str], rows: Iterable[Row]) -> Iterable[bytes]:
    return [as_sheet(names, rows)]


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form("csv", "text/csv; charset=utf-8", as_csv),
        Form("jsonl", "application/jsonl; charset=utf-8", as_json_lines),
        Form("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _sheet),
    )
}


def counted(report: Report, filters: ReportFilters, form: Form) -> int:
    """How many rows it has.

    Raises Conflict for a sheet that would be too long, and where rows would be missing.
    """
    require_online(report, filters)
    rows = sum(n for _name, n in totals(report, filters))
    if form.name == "xlsx" and rows > MOST_ROWS:
        raise Conflict(
            _("A sheet has room for %(most)s rows, and this report has more. Take CSV or JSON "
              "Lines, or a shorter period.") % {"most": f"{MOST_ROWS:,}"},
            code="too-many-rows",
        )  # fmt: skip
    return rows


def parts_of(
    report: Report, filters: ReportFilters, form: Form, progress: Callable[[int], None]
) -> Parts:
    """The bytes; `progress` hears the number of each row before it is written."""
    with closing(_numbered(report, filters, progress)) as rows:
        yield from form.write(report.names, rows)


def _numbered(
    report: Report, filters: ReportFilters, progress: Callable[[int], None]
) -> Generator[Row, None, None]:
    with closing(stream(report, filters)) as rows:
        for number, row in enumerate(rows, start=1):
            progress(number)
            yield row


def file_name(report: Report, filters: ReportFilters, form: Form) -> str:
    """What the file is called."""
    return f"{report.name}-{filters.since}-{filters.until}.{form.name}"


def said_of(export: UUID, report: Report, form: Form, filters: ReportFilters) -> dict[str, object]:
    """As the ledger keeps it."""
    return {"id": str(export), "report": report.name, "form": form.name, **filters.to_json()}


def download(*, by: User, report: Report, filters: ReportFilters, form: Form) -> Parts:
    """The file in pieces. That it is taken is recorded now, how it ended when it ends.

    Raises Conflict for a sheet that would be too long, and where rows would be missing.
    """
    if form.name == "xlsx":
        counted(report, filters, form)
    else:
        require_online(report, filters)
    taken = _Taken(by, filters, said_of(new_id(), report, form, filters))
    with transaction.atomic():
        taken.record("export.created")
    return taken.parts(report, form)


class _Taken:
    """One file on its way to `by`."""

    def __init__(self, by: User, filters: ReportFilters, said: dict[str, object]) -> None:
        self._by, self._filters, self._said = by, filters, said
        self._rows = 0

    def parts(self, report: Report, form: Form) -> Parts:
        outcome, digest = "broken off", sha256()
        try:
            with closing(parts_of(report, self._filters, form, self._count)) as parts:
                for part in parts:
                    digest.update(part)
                    yield part
            outcome = "done"
        finally:
            ended = {"rows": self._rows, "digest": f"sha256:{digest.hexdigest()}"}
            with transaction.atomic():
                self.record("export.finished", outcome, **ended)

    def _count(self, rows: int) -> None:
        self._rows = rows

    def record(self, event: str, outcome: str = "", **ended: object) -> None:
        project = self._filters.project.pk if self._filters.project else None
        said = self._said | ended
        record(event, actor=person_actor(self._by), project=project, outcome=outcome, export=said)
