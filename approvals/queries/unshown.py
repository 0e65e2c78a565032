"""What the page shows a beginning of only: it has to be opened before anybody approves (E10)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from approvals.models import Snapshot
from approvals.queries.change import Change, change_of
from approvals.queries.facts import FactRow, fact_rows

FILES = "files"
COMMITS = "commits"


@dataclass(frozen=True)
class Unshown:
    """A place of the page: a fact, the files or the commits; what it is called."""

    name: str
    label: str


def unshown(rows: Iterable[FactRow], change: Change | None) -> list[Unshown]:
    """The places of a page with these facts and this change that show only a beginning."""
    found = [Unshown(row.name, row.label) for row in rows if row.whole]
    if change is not None and change.more_files:
        found.append(Unshown(FILES, _("all %(n)d files") % {"n": change.count}))
    if change is not None and change.more_commits:
        found.append(Unshown(COMMITS, _("all %(n)d commits") % {"n": change.commit_count}))
    return found


def unshown_in(snapshot: Snapshot, verdict: Mapping[str, Any]) -> list[Unshown]:
    """The same of a snapshot and the verdict on it, whoever looks."""
    rows = fact_rows(
        snapshot, [], held=verdict.get("hold", []), used=verdict.get("reads", []), failing=[]
    )
    return unshown(rows, change_of(snapshot.typed, verdict.get("explanation", [])))
