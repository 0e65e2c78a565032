"""What a bundle says of itself, as the statement that is signed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from approvals.audit.bundle.closing import Closing
from approvals.audit.bundle.contents import Counted
from approvals.audit.bundle.selection import Selection
from approvals.audit.bundle.zip_stream import ZipFile
from approvals.audit.reports.filters import ReportFilters
from approvals.lifecycle.statement import STATEMENT_TYPE
from portal.kernel.clock import rfc3339
from portal.ledger.note import Checkpoint

EVIDENCE = "https://countersign.dev/evidence-bundle/v0.1"


@dataclass(frozen=True)
class Bundle:
    """Everything that is known of a bundle before its first entry is read.

    `end` is the checkpoint it is proved in; `start` one before its first entry, where there is one.
    """

    export: UUID
    by: str
    at: datetime
    filters: ReportFilters
    closing: Closing
    selection: Selection
    end: Checkpoint
    start: Checkpoint | None


def statement(bundle: Bundle, counted: Counted, files: list[ZipFile]) -> dict[str, Any]:
    """The in-toto statement: its subjects are the files by their digests."""
    project = bundle.filters.project
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {
                "name": file.name,
                "digest": {"sha256": file.digest},
                "annotations": {"size": file.size},
            }
            for file in files
        ],
        "predicateType": EVIDENCE,
        "predicate": {
            "export": str(bundle.export),
            "by": bundle.by,
            "at": rfc3339(bundle.at),
            "generator": {"name": "countersign", "version": settings.VERSION},
            "filter": bundle.filters.to_json(),
            "zone": bundle.filters.zone_name,
            "project": {"id": str(project.pk), "slug": project.slug} if project else None,
            "query": {"entries": _entries(bundle.selection), "population": "population"},
            "range": {"first": _place(counted.first), "last": _place(counted.last)},
            "closing": _place((bundle.closing.index, bundle.closing.number)),
            "rows": {
                "entries.jsonl": sum(counted.types.values()),
                "population.csv": counted.rows,
                "receipts/permits.jsonl": counted.receipts,
            },
            "types": dict(sorted(counted.types.items())),
            "start": _said(bundle.start),
            "checkpoint": _said(bundle.end),
        },
    }


def _entries(selection: Selection) -> dict[str, Any]:
    by = "leaf" if selection.project is None else "number"
    ranges = [{"from": first, "to": last} for first, last in selection.ranges]
    return {"by": by, "ranges": ranges}


def _place(place: tuple[int, int] | None) -> dict[str, int] | None:
    return {"leaf": place[0], "number": place[1]} if place else None


def _said(checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    if checkpoint is None:
        return None
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
    }
