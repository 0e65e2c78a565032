"""What a finished backtest says, ready to be shown."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from approvals.models import Backtest, BacktestChange
from approvals.queries.visible import seen_with, sight_of
from policies.language.document import DEFAULT_RULE
from policies.models import PolicyVersion
from policies.publishing import require_proposal
from policies.queries import document_of, load_policy_row, load_version
from policies.simulation import Change, Totals
from portal.kernel.errors import NotFound

PAGE = 50
WEEK = 7 * 86_400.0
SHORTEST_SPAN = 86_400.0  # seconds; below that nothing can be said about a week


@dataclass(frozen=True)
class ChangeRow:
    """How many requests went from one outcome to another; `unsure` rest on a fact unknown then."""

    change: Change
    count: int
    unsure: int


@dataclass(frozen=True)
class RuleRow:
    """A rule of the version, and in how many requests it applied or could not be told."""

    rule: str
    effect: str
    applies: int
    cannot_tell: int


class Result:
    """The sums of a backtest. Changed outcomes first, looser ones before stricter ones."""

    def __init__(self, backtest: Backtest) -> None:
        self.backtest = backtest
        self.totals = Totals.from_json(backtest.totals)

    @cached_property
    def changes(self) -> list[ChangeRow]:
        """Every pair of outcomes that occurred."""
        rows = [
            ChangeRow(Change.read(text), count, self.totals.unsure[text])
            for text, count in self.totals.changes.items()
        ]
        return sorted(rows, key=_order)

    @cached_property
    def changed(self) -> int:
        """How many requests would get another verdict."""
        return sum(row.count for row in self.changes if row.change.differs)

    @cached_property
    def looser(self) -> int:
        """How many of them would get a looser one."""
        return sum(row.count for row in self.changes if row.change.loosens)

    @cached_property
    def rules(self) -> list[RuleRow]:
        """The rules that applied or could not be told, most frequent first."""
        found = [row for row in self._every_rule() if row.applies or row.cannot_tell]
        return sorted(found, key=lambda row: (-row.applies, -row.cannot_tell, row.rule))

    @cached_property
    def never(self) -> list[RuleRow]:
        """The rules that never fired."""
        return [row for row in self._every_rule() if not row.applies and not row.cannot_tell]

    def _every_rule(self) -> list[RuleRow]:
        document = document_of(self.backtest.version)
        named = [(rule.id, str(rule.effect)) for rule in document.rules]
        return [
            RuleRow(name, effect, self.totals.applies[name], self.totals.cannot_tell[name])
            for name, effect in [*named, (DEFAULT_RULE, "default")]
        ]

    @cached_property
    def missing(self) -> list[tuple[str, int]]:
        """Facts that the version reads, and in how many requests they were not known."""
        return sorted(self.totals.missing.items(), key=lambda found: (-found[1], found[0]))

    @property
    def decisions(self) -> tuple[int, int]:
        """Human decisions that the replayed requests asked for, then and now."""
        return self.totals.people_then, self.totals.people_now

    @cached_property
    def weekly(self) -> tuple[float, float] | None:
        """The same for a week; None where the period is too short to say."""
        span = (self.backtest.until - self.backtest.since).total_seconds()
        if span < SHORTEST_SPAN:
            return None
        then, now = self.decisions
        return then * WEEK / span, now * WEEK / span

    @property
    def weekly_words(self) -> str:
        """“4.2 more”, “0.5 fewer”, “none”."""
        if self.weekly is None or self.weekly[0] == self.weekly[1]:
            return _("none")
        difference = self.weekly[1] - self.weekly[0]
        form = _("%(n)s more") if difference > 0 else _("%(n)s fewer")
        return form % {"n": rate_words(abs(difference))}


def rate_words(number: float) -> str:
    """A number for a week: “3.4”, “120”."""
    return f"{number:,.1f}" if number < 100 else f"{number:,.0f}"


def _order(row: ChangeRow) -> tuple[bool, bool, int, Change]:
    return not row.change.differs, not row.change.loosens, -row.count, row.change


@dataclass(frozen=True)
class ChangedPage:
    """Requests with another verdict that the reader may see; `next_cursor` leads to more."""

    rows: list[BacktestChange]
    next_cursor: str


def version_to_try(person: Any, policy_id: UUID, number: int) -> PolicyVersion:
    """A version, for who may backtest it. Raises NotFound, Forbidden."""
    version = load_version(load_policy_row(person, policy_id).policy, number)
    require_proposal(person, version)
    return version


def load_backtest(person: Any, policy_id: UUID, number: int, backtest_id: UUID) -> Backtest:
    """One backtest of a version, for who may run it. Raises NotFound, Forbidden."""
    version = version_to_try(person, policy_id, number)
    found = version.backtests.select_related("started_by").filter(pk=backtest_id).first()
    if found is None:
        raise NotFound(_("There is no such backtest."))
    found.version = version
    return found


def changed_requests(person: Any, backtest: Backtest) -> QuerySet[BacktestChange]:
    """Those that `person` may see, with their requests: looser first, then newest first."""
    seen = seen_with(sight_of(person), of="request")
    rows = BacktestChange.objects.filter(seen, backtest=backtest)
    return rows.select_related("request__project", "request__environment").order_by(
        "rank", "-request"
    )


def changed_page(person: Any, backtest: Backtest, only: str, after: str) -> ChangedPage:
    """A page of them by keyset; `only` one kind of change. A cursor that is none: from the top."""
    rows = changed_requests(person, backtest).filter(_after(after))
    if only:
        rows = rows.filter(change=only)
    found = list(rows[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return ChangedPage(found[:PAGE], f"{last.rank}.{last.request_id}" if last else "")


def _after(cursor: str) -> Q:
    rank, _dot, request = cursor.partition(".")
    try:
        place, behind = int(rank), UUID(request)
    except ValueError:
        return Q()
    return Q(rank__gt=place) | Q(rank=place, request__lt=behind)
