"""What ran on an environment before, and how its numbers moved meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Window
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import RowNumber

from approvals.models import Permit, Request, Snapshot
from approvals.queries.rows import title_of
from approvals.queries.visible import Sight, seen_with
from approvals.states import PermitStatus

MOST_ACTIONS = 5
# The latest of an environment among which those are looked for that the reader may see: for whoever
# sees few of many, all would be looked through.
LOOKED_AT = 100
MOST_REQUESTS = 16  # earlier requests whose snapshots a number's history is read from
MOST_SNAPSHOTS = 12  # of each
MOST_NUMBERS = 20
_NAMED = (
    *("request__project", "request__account", "request__owner"),
    "request__policy_version__policy",
)


@dataclass(frozen=True)
class ActionLine:
    """One action that ran, or runs; `at` is when it ended, or began."""

    request: Request
    title: str
    commit: str
    status: str
    at: datetime
    began: datetime
    took: timedelta | None


def last_actions(request: Request, sight: Sight) -> list[ActionLine]:
    """The last on this environment that the reader may see, newest first (one query)."""
    here = Permit.objects.filter(environment_id=request.environment_id).values("pk")
    over = here.filter(finished_at__isnull=False).order_by("-finished_at")
    runs = here.filter(status=PermitStatus.RUNNING.value)
    chosen = over[:LOOKED_AT].union(runs[:LOOKED_AT], all=True)
    seen = Permit.objects.filter(seen_with(sight, "request"), pk__in=chosen)
    found = seen.exclude(request=request).select_related(*_NAMED)
    ordered = found.order_by(F("finished_at").desc(nulls_first=True), "-issued_at")
    return [_line(permit) for permit in ordered[:MOST_ACTIONS]]


def _line(permit: Permit) -> ActionLine:
    began = permit.started_at or permit.issued_at
    ended = permit.finished_at
    return ActionLine(
        request=permit.request,
        title=title_of(permit.request),
        commit=str(permit.request.subject.get("commit", ""))[:12],
        status=permit.status,
        at=ended or began,
        began=began,
        took=ended - began if ended else None,
    )


Points = dict[str, list[tuple[datetime, float]]]


def numbers_lately(request: Request, names: Sequence[str], sight: Sight) -> Points:
    """What these facts were, oldest first, in the latest snapshots of the latest requests for this
    environment that the reader may see (one query; none without names)."""
    names = names[:MOST_NUMBERS]
    if not names:
        return {}
    facts = {f"n{place}": KeyTransform(name, "facts") for place, name in enumerate(names)}
    rows = _snapshots(request.environment_id, seen_with(sight)).annotate(**facts).values(*facts)
    points: Points = {name: [] for name in names}
    for row in rows.order_by("captured_at"):
        for name, state in zip(names, row.values(), strict=True):
            if state and "value" in state:
                points[name].append(_point(state))
    return {name: sorted(set(found)) for name, found in points.items()}


def _snapshots(environment: UUID, seen: Q) -> QuerySet[Snapshot]:
    """Chosen by their ids first: only of these the facts are read."""
    latest = Request.objects.filter(environment_id=environment).order_by("-id").values("pk")
    mine = Request.objects.filter(seen, pk__in=latest[:LOOKED_AT]).order_by("-id").values("pk")
    numbered = Snapshot.objects.filter(request__in=mine[:MOST_REQUESTS]).annotate(
        place=Window(RowNumber(), partition_by="request", order_by="-captured_at")
    )
    return Snapshot.objects.filter(pk__in=numbered.filter(place__lte=MOST_SNAPSHOTS).values("pk"))


def _point(state: dict[str, Any]) -> tuple[datetime, float]:
    return datetime.fromisoformat(state["observed_at"]), float(state["value"])
