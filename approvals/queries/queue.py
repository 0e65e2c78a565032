"""The review queue: what waits, for whom, how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.models import Decision, Request
from approvals.models.request import DECIDED, DECIDED_AT, WHOLE
from approvals.queries.filters import Condition, QueueFilters, decode_cursor, encode_cursor
from approvals.queries.keys import NEWEST, TIME_LEFT, Part, count_keys, first_keys
from approvals.queries.rows import QueueRow, build_rows, loaded
from approvals.queries.visible import Sight, groups_in_sight, seen_by_place, seen_with, sight_of
from approvals.states import WAITING
from portal.accounts.models import User
from portal.directory.models import Environment, Project
from portal.ledger.models import Entry

PAGE = 50
COUNT_TO = 500
CHOICES = 200
BY_TIME_LEFT = (F("decide_by").asc(nulls_last=True), "id")
# Not "-id": PostgreSQL would walk the primary key through everything older, looking for today's.
NEWEST_OF_TODAY = Coalesce("id", "id").desc()
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
    last_decided: datetime | None
    first_run: bool


def ledger_position() -> int:
    """The number of the newest ledger entry."""
    return Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0


def queue_page(person: User, filters: QueueFilters) -> QueuePage:
    """One page of the queue for this person (twelve queries at most)."""
    sight = sight_of(person)
    # Before the rows: what happens meanwhile comes again by the stream.
    position, counts = _overview(person, sight)
    requests, next_cursor = _page(person, sight, filters)
    rows = build_rows(person, requests, sight)
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


def waiting_for_you(person: User) -> str:
    """The number in the menu of every page (two queries); empty when nothing waits."""
    sight = Sight(person.pk, [], [], *groups_in_sight(person))
    if not sight.groups:
        return ""
    part = count_keys(sight, TIME_LEFT, COUNT_TO + 1, groups_only=True)
    with connection.cursor() as cursor:
        cursor.execute(part.sql, part.params)
        found = Count(cursor.fetchone()[0])
    return found.text if found.value else ""


def queue_row(person: User, request_id: UUID, filters: QueueFilters) -> QueueRow | None:
    """One row read again; None when it is not one of this person's list.

    A row that is over passes, so that the page can show how it ended before the row leaves.
    """
    sight = sight_of(person)
    where = Condition(("r.id = %s",), (request_id,)) & filters.condition_sql()
    keys = first_keys(sight, NEWEST, 1, where, groups_only=filters.tab == "you")
    found = WHOLE.all(f"one.id IN ({keys.sql})", keys.params)
    if filters.tab == "decided" and found and found[0].status in WAITING:
        midnight = _midnight()
        mine = Decision.objects.filter(request=found[0], person=person, decided_at__gte=midnight)
        found = found if mine.exists() else []
    rows = build_rows(person, found, sight)
    return rows[0] if rows else None


def _midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def _decided(person: User, sight: Sight) -> list[QuerySet[Request]]:
    """What was decided today, what else this person voted on today, and what they asked for
    themselves: three conditions, each read from an index of its own."""
    midnight = _midnight()
    requests = Request.objects.alias(decided_at=DECIDED_AT)
    here, today = seen_by_place(sight), Q(status__in=DECIDED, decided_at__gte=midnight)
    voted = Decision.objects.filter(person=person, decided_at__gte=midnight).values("request")
    own = requests.filter(today, owner=person, policy_version__isnull=False)
    return [
        requests.filter(here, today),
        requests.filter(here, pk__in=voted).exclude(today),
        own.exclude(here) if sight.projects is not None else own.none(),
    ]


def _overview(person: User, sight: Sight) -> tuple[int, dict[str, Count]]:
    """The ledger's position and the three counts, in one statement."""
    most = COUNT_TO + 1
    parts = {
        "you": count_keys(sight, TIME_LEFT, most, groups_only=True),
        "all": count_keys(sight, TIME_LEFT, most),
        "decided": _counted(_decided(person, sight), most),
    }
    selected = ", ".join(f"({part.sql})" for part in parts.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT max(id) FROM ledger_entry), {selected}",  # noqa: S608  (our own SQL)
            [param for part in parts.values() for param in part.params],
        )
        position, *counts = cursor.fetchone()
    return position or 0, dict(zip(parts, map(Count, counts), strict=True))


def _counted(found: list[QuerySet[Request]], most: int) -> Part:
    first, *others = (part.order_by().values("pk") for part in found)
    try:
        sql, params = first.union(*others, all=True)[:most].query.sql_with_params()
    except EmptyResultSet:  # Django knows without asking: this person sees nothing at all
        return Part("SELECT 0", ())
    return Part(f"SELECT count(*) FROM ({sql}) AS counted", params)  # noqa: S608  (our own SQL)


def _page(person: User, sight: Sight, filters: QueueFilters) -> tuple[list[Request], str | None]:
    after = decode_cursor(filters.after)
    if filters.tab == "decided":
        older = filters.condition() & (Q(id__lt=after[1]) if after else Q())
        first, *others = (
            part.filter(older).order_by(NEWEST_OF_TODAY).values("pk")[: PAGE + 1]
            for part in _decided(person, sight)
        )
        today = first.union(*others, all=True)
        listed = Request.objects.filter(pk__in=today).order_by("-id")[: PAGE + 1]
    else:
        where = filters.condition_sql() & _later_than(after)
        mine = filters.tab == "you"
        keys = first_keys(sight, TIME_LEFT, PAGE + 1, where, groups_only=mine)
        listed = Request.objects.filter(pk__in=keys).order_by(*BY_TIME_LEFT)
    rows = loaded(listed, permits=filters.tab == "decided")
    if len(rows) <= PAGE:
        return rows, None
    last = rows[PAGE - 1]
    return rows[:PAGE], encode_cursor(last.decide_by or NO_END, last.id)


def _later_than(after: tuple[datetime, UUID] | None) -> Condition:
    """What comes after a keyset position; rows without an end come last."""
    if after is None:
        return Condition()
    at, one = after
    if at == NO_END:
        return Condition(("r.decide_by IS NULL AND r.id > %s",), (one,))
    return Condition(("((r.decide_by, r.id) > (%s, %s) OR r.decide_by IS NULL)",), (at, one))


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
    slugs, names = _names(projects, environments)
    return Choices(
        projects=sorted(slugs | {r.project.slug for r in requests}),
        environments=sorted(names | {r.environment.name for r in requests}),
        actions=sorted({"deploy"} | {r.action for r in requests}),
    )


def _names(
    projects: QuerySet[Project], environments: QuerySet[Environment]
) -> tuple[set[str], set[str]]:
    """Slugs and names in one query, of each at most 200."""
    slugs = projects.order_by("slug").annotate(kind=Value("p")).values_list("kind", "slug")
    names = environments.order_by("name").annotate(kind=Value("e")).values_list("kind", "name")
    found = list(slugs[:CHOICES].union(names.distinct()[:CHOICES], all=True))
    return {v for kind, v in found if kind == "p"}, {v for kind, v in found if kind == "e"}


def _last_decided(sight: Sight) -> datetime | None:
    seen = Request.objects.filter(seen_with(sight), pk=OuterRef("request"))
    newest = Decision.objects.filter(Exists(seen)).order_by("-decided_at")
    return newest.values_list("decided_at", flat=True).first()
