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


def download(*, by: User, report: Report, filters: ReportFilters, form: Form) -> Parts:
    """The file in pieces. That it is taken is recorded now, how it ended when it ends.

    Raises Conflict for a sheet that would be too long, and where rows would be missing.
    """
    require_online(report, filters)
    if form.name == "xlsx" and sum(n for _name, n in totals(report, filters)) > MOST_ROWS:
        raise Conflict(
            _("A sheet has room for %(most)s rows, and this report has more. Take CSV or JSON "
              "Lines, or a shorter period.") % {"most": f"{MOST_ROWS:,}"},
            code="too-many-rows",
        )  # fmt: skip
    export = new_id()
    with transaction.atomic():
        _record("export.created", by, filters, "", _said(export, report, form, filters))
    return _Taken(by, report, filters, form, export).parts()


class _Taken:
    """One file on its way to `by`."""

    def __init__(
        self, by: User, report: Report, filters: ReportFilters, form: Form, export: UUID
    ) -> None:
        self._by, self._filters = by, filters
        self._report, self._form, self._export = report, form, export
        self._rows, self._digest = 0, sha256()

    def parts(self) -> Parts:
        outcome = "broken off"
        try:
            with closing(self._counted()) as rows:
                for part in self._form.write(self._report.names, rows):
                    self._digest.update(part)
                    yield part
            outcome = "done"
        finally:
            said = _said(self._export, self._report, self._form, self._filters)
            ended = {"rows": self._rows, "digest": f"sha256:{self._digest.hexdigest()}"}
            with transaction.atomic():
                _record("export.finished", self._by, self._filters, outcome, said | ended)

    def _counted(self) -> Generator[Row, None, None]:
        with closing(stream(self._report, self._filters)) as rows:
            for row in rows:
                self._rows += 1
                yield row


def _said(export: UUID, report: Report, form: Form, filters: ReportFilters) -> dict[str, object]:
    return {"id": str(export), "report": report.name, "form": form.name, **filters.to_json()}


def _record(
    event: str, by: User, filters: ReportFilters, outcome: str, said: dict[str, object]
) -> None:
    project = filters.project.pk if filters.project else None
    record(event, actor=person_actor(by), project=project, outcome=outcome, export=said)
