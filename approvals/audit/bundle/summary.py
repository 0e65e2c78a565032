"""The bundle in figures on paper: for whoever reads before they verify."""

import logging
from collections import Counter

from django.utils.translation import gettext as _

from approvals.audit.bundle.contents import Counted
from approvals.audit.bundle.manifest import Bundle
from approvals.audit.pdf.document import Document, Note, Pairs, Section, Table, both
from approvals.audit.pdf.write_pdf import as_pdf, pdf_available
from portal.kernel.clock import rfc3339
from portal.kernel.errors import Refused

log = logging.getLogger(__name__)


def summary(bundle: Bundle, counted: Counted) -> bytes | None:
    """The PDF, or None where none can be made now: it proves nothing, and the bundle goes on."""
    try:
        return as_pdf(_document(bundle, counted)) if pdf_available() else None
    except Refused as refusal:
        log.warning("bundle %s has no summary: %s", bundle.export, refusal.sentence)
        return None


def _document(bundle: Bundle, counted: Counted) -> Document:
    filters, said = bundle.filters, bundle.filters.query()
    project = filters.project.name if filters.project else _("All projects, and what is of none")
    warning = _(
        "This page proves nothing. Verify the bundle as README.txt says, with keys that you were "
        "given another way than in the bundle."
    )
    period = _("%(since)s to %(until)s, whole days") % said
    return Document(
        title=_("Evidence bundle"),
        about=f"{project} · {period} · {filters.zone_name}",
        made=_("Made %(moment)s") % {"moment": both(bundle.at)},
        page=_("Page {n} of {m}"),
        sections=[
            Section(
                _("What is in it"),
                [
                    Pairs(
                        [
                            (_("Entries"), f"{sum(counted.types.values()):,}"),
                            (_("Requests"), f"{counted.rows:,}"),
                            (_("Receipts of permits"), f"{counted.receipts:,}"),
                        ]
                    ),
                    _table(_("Decision on the request"), _("Requests"), counted.decisions),
                    _table(_("Result of the execution"), _("Requests"), counted.results),
                    _table(_("Type of entry"), _("Entries"), counted.types),
                ],
            ),
            Section(_("What proves it"), [Pairs(_proof(bundle)), Note(warning)]),
        ],
    )


def _table(kind: str, what: str, counts: Counter[str]) -> Table:
    rows = [[name or _("none"), f"{count:,}"] for name, count in sorted(counts.items())]
    return Table([kind, what], rows, [3, 1])


def _proof(bundle: Bundle) -> list[tuple[str, str]]:
    end = bundle.end
    return [
        (_("Export"), str(bundle.export)),
        (_("Log"), end.origin),
        (_("Signed checkpoint"), _("%(n)s entries") % {"n": f"{end.size:,}"}),
        (_("Its root"), end.root.hex()),
        (_("From"), rfc3339(bundle.filters.period[0])),
        (_("Up to"), rfc3339(bundle.filters.period[1])),
    ]
