"""The review queue: what waits, for whom, how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.models import AwaitedGroup, Decision, Request
from approvals.queries.filters import QueueFilters, decode_cursor, encode_cursor
from approvals.queries.rows import LOADED, DecisionLine, QueueRow, build_rows, line_of
from approvals.queries.visible import Sight, seen_with, sight_of
from approvals.states import WAITING, Status
from portal.accounts.models import User
from portal.directory.models import Environment, Project
from portal.ledger.models import Entry

PAGE = 50
COUNT_TO = 500
NO_END = datetime(9999, 1, 1, tzinfo=timezone.get_default_timezone())


@dataclass(frozen=True)
class Count:
    """How many, exactly up to 500: no full count on each push."""

    value: int

    @property
    def text(self) -> str:
        return f"{COUNT_TO}+" if self.value > COUNT_TO else str(self.value)


@dataclass(frozen=True)
class QueueGroup:
    """Rows under one heading; `key` is soon, you, others or decided."""

    key: str
    title: str
    rows: list[QueueRow]


@dataclass(frozen=True)
class Choices:
    """What the filters offer."""

    projects: list[str]
    environments: list[str]
    actions: list[str]


@dataclass(frozen=True)
class QueuePage:
    """The queue as it is shown; `position` is where the live stream goes on from."""

    groups: list[QueueGroup]
    counts: dict[str, Count]
    filters: QueueFilters
    choices: Choices
    next_cursor: str | None
    position: int
    last_decided: DecisionLine | None
    first_run: bool


def ledger_position() -> int:
    """The number of the newest ledger entry."""
    return Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0


def queue_page(person: User, filters: QueueFilters) -> QueuePage:
    """One page of the queue for this person."""
    position = ledger_position()  # read first: what happens meanwhile comes again by the stream
    sight = sight_of(person)
    tabs = {tab: _tab(person, sight, tab) for tab in ("you", "all", "decided")}
    chosen = tabs[filters.tab].filter(filters.condition())
    requests, next_cursor = _page(chosen, filters)
    rows = build_rows(person, requests, sight.groups.values())
    counts = {tab: Count(found[: COUNT_TO + 1].count()) for tab, found in tabs.items()}
    return QueuePage(
        groups=_grouped(rows, filters.tab),
        counts=counts,
        filters=filters,
        choices=choices_of(sight, requests),
        next_cursor=next_cursor,
        position=position,
        last_decided=None if rows else _last_decided(sight),
        first_run=not rows and not filters.narrowed and not Request.objects.exists(),
    )


def queue_row(
    person: User, request_id: UUID, filters: QueueFilters | None = None
) -> QueueRow | None:
    """One row read again; None when it is not one of this person's list.

    A row that is over passes, so that the page can show how it ended before the row leaves.
    """
    sight = sight_of(person)
    found = Request.objects.filter(seen_with(sight), pk=request_id)
    if filters is not None:
        over = ~Q(status__in=[s.value for s in WAITING])
        listed = Q(pk__in=_tab(person, sight, filters.tab).filter(pk=request_id).values("pk"))
        found = found.filter(filters.condition() & (over | listed))
    request = found.select_related(*LOADED).first()
    if request is None:
        return None
    return build_rows(person, [request], sight.groups.values())[0]


def _tab(person: User, sight: Sight, tab: str) -> QuerySet[Request]:
    waiting = Request.objects.filter(status__in=[s.value for s in WAITING])
    if tab == "you":
        asked = AwaitedGroup.objects.filter(request=OuterRef("pk"), group__in=list(sight.groups))
        return waiting.filter(Exists(asked)) if sight.groups else waiting.none()
    if tab == "all":
        return waiting.filter(seen_with(sight))
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = Decision.objects.filter(request=OuterRef("pk"), person=person, decided_at__gte=midnight)
    today = Q(status__in=[Status.APPROVED, Status.REDEEMED], approved_at__gte=midnight) | Q(
        status__in=[Status.REJECTED, Status.DENIED], ended_at__gte=midnight
    )
    return Request.objects.filter(Exists(mine) | today).filter(seen_with(sight))


def _page(found: QuerySet[Request], filters: QueueFilters) -> tuple[list[Request], str | None]:
    decided = filters.tab == "decided"
    order = ["-id"] if decided else [F("decide_by").asc(nulls_last=True), "id"]
    after = decode_cursor(filters.after)
    if after is not None:
        at, one = after
        if decided:
            found = found.filter(id__lt=one)
        elif at == NO_END:
            found = found.filter(decide_by=None, id__gt=one)
        else:
            found = found.filter(
                Q(decide_by__gt=at) | Q(decide_by=at, id__gt=one) | Q(decide_by=None)
            )
    rows = list(found.select_related(*LOADED).order_by(*order)[: PAGE + 1])
    if len(rows) <= PAGE:
        return rows, None
    last = rows[PAGE - 1]
    return rows[:PAGE], encode_cursor(last.decide_by or NO_END, last.id)


def _grouped(rows: Sequence[QueueRow], tab: str) -> list[QueueGroup]:
    if tab == "decided":
        return [QueueGroup("decided", _("Decided today"), list(rows))] if rows else []
    soon = [r for r in rows if r.ends_soon]
    mine = [r for r in rows if r.may_decide and not r.ends_soon]
    others = [r for r in rows if not r.may_decide and not r.ends_soon]
    groups = [
        QueueGroup("soon", _("Ends soon"), soon),
        QueueGroup("you", _("Waiting for you"), mine),
        QueueGroup("others", _("Waiting for others"), others),
    ]
    return [group for group in groups if group.rows]


def choices_of(sight: Sight, requests: Sequence[Request]) -> Choices:
    """What this person's filters offer: what they may see, and what is on the page."""
    projects = Project.objects.filter(archived_at=None)
    environments = Environment.objects.filter(archived_at=None)
    if sight.projects is not None:
        projects = projects.filter(pk__in=sight.projects)
        environments = environments.filter(
            Q(project__in=sight.projects) | Q(pk__in=sight.environments)
        )
    slugs = set(projects.values_list("slug", flat=True)[:200])
    names = set(environments.values_list("name", flat=True).distinct()[:200])
    return Choices(
        projects=sorted(slugs | {r.project.slug for r in requests}),
        environments=sorted(names | {r.environment.name for r in requests}),
        actions=sorted({"deploy"} | {r.action for r in requests}),
    )


def _last_decided(sight: Sight) -> DecisionLine | None:
    seen = Request.objects.filter(seen_with(sight), pk=OuterRef("request"))
    found = (
        Decision.objects.filter(Exists(seen))
        .select_related("person", "request")
        .order_by("-decided_at")
        .first()
    )
    return line_of(found, found.request) if found else None
