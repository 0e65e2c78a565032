"""The work of a backtest: part by part, each with its sums in one transaction.

Whoever works on it moves `next_try` ahead first (a lease) and again with every part, so a killed
worker's backtest is taken up where its last part ended, and two workers never add the same twice.
"""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.backtest.crew import Crew
from approvals.backtest.start import end
from approvals.backtest.stored import Page, VersionsThen, read_page
from approvals.lifecycle.announce import wake
from approvals.models import Backtest, BacktestChange
from policies.models import PolicyVersion
from policies.queries import BrokenPolicy, document_of
from policies.replaying import Row, ask
from policies.simulation import Change as VerdictChange
from policies.simulation import Totals
from portal.kernel.clock import now
from portal.ledger.actors import SYSTEM

PAGE = 250
LONGEST_TURN = 60.0  # seconds; then another task gets the worker
LEASE = timedelta(seconds=30)
GIVE_UP_AFTER = 5  # turns without a finished part


def due_backtests(limit: int = 10) -> list[UUID]:
    """Backtests that somebody has to go on with, oldest first."""
    due = Backtest.objects.filter(next_try__lte=now()).order_by("created_at")
    return list(due.values_list("pk", flat=True)[:limit])


def run_backtest(backtest_id: UUID) -> bool:
    """Go on with one backtest for a turn, if that is due; whether anything was done."""
    backtest = _take(backtest_id)
    if backtest is None:
        return False
    try:
        document_of(backtest.version)
    except BrokenPolicy as broken:
        _fail(backtest, broken.sentence)
        return True
    turn_ends = time.monotonic() + LONGEST_TURN
    with Crew(backtest.total - backtest.done) as crew:
        work = _Work(backtest, backtest.version, crew)
        while work.part():
            if time.monotonic() > turn_ends:
                _hand_on(backtest)
                break
    return True


def _take(backtest_id: UUID) -> Backtest | None:
    at = now()
    # One after the other: they must not fill the workers. Two at once do no harm.
    if Backtest.objects.exclude(pk=backtest_id).filter(state="running", next_try__gt=at).exists():
        return None
    with transaction.atomic():
        backtest = (
            Backtest.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("version__policy")
            .filter(pk=backtest_id, next_try__lte=at)
            .first()
        )
        if backtest is None:
            return None
        if backtest.attempts >= GIVE_UP_AFTER:
            error = _("It stopped %(n)d times at the same place.") % {"n": backtest.attempts}
            end(backtest, Backtest.State.FAILED, SYSTEM, error)
            return None
        backtest.state = Backtest.State.RUNNING
        backtest.attempts += 1
        backtest.next_try = at + LEASE
        backtest.save(update_fields=["state", "attempts", "next_try"])
    return backtest


def _fail(backtest: Backtest, error: str) -> None:
    with transaction.atomic():
        if _keep(backtest):
            end(backtest, Backtest.State.FAILED, SYSTEM, error)


def _hand_on(backtest: Backtest) -> None:
    with transaction.atomic():
        if _keep(backtest, next_try=now()):
            wake("approvals.backtest", str(backtest.pk))


def _keep(backtest: Backtest, **values: object) -> bool:
    """Write, unless the lease is not ours any more: cancelled, or somebody else goes on."""
    held = Backtest.objects.filter(
        pk=backtest.pk, state=Backtest.State.RUNNING, next_try=backtest.next_try
    )
    values.setdefault("next_try", now() + LEASE)
    if not held.update(**values):
        return False
    for name, value in values.items():
        setattr(backtest, name, value)
    return True


class _Work:
    """One turn at a backtest."""

    def __init__(self, backtest: Backtest, proposed: PolicyVersion, crew: Crew) -> None:
        self._backtest = backtest
        self._proposed = (proposed.text, proposed.number, proposed.digest)
        self._crew = crew
        self._versions = VersionsThen()
        self._page = self._read(backtest.cursor)

    def _read(self, after: UUID | None) -> Page:
        return read_page(self._backtest, after, PAGE * self._crew.size)

    def part(self) -> bool:
        """Replay the next requests and store what came out; whether there are more."""
        page = self._page
        shares = [page.rows[at : at + PAGE] for at in range(0, len(page.rows), PAGE)]
        others = self._versions.named_by(page.rows)
        self._crew.send([ask(self._proposed, others, share) for share in shares])
        if page.requests:  # read on while others work
            self._page = self._read(page.requests[-1])
        answers = [orjson.loads(line) for line in self._crew.receive()]
        totals, changes, done = self._sum(page, shares, answers)
        if done < len(page.rows):  # time was over: the rest comes again
            self._page = self._read(page.requests[done - 1])
        cursor = page.requests[done - 1] if done else self._backtest.cursor
        over = not self._page.rows or not page.rows
        return self._store(totals, changes, cursor, over=over) and not over

    def _sum(
        self, page: Page, shares: list[list[Row]], answers: list[dict[str, Any]]
    ) -> tuple[Totals, list[BacktestChange], int]:
        """The sums so far, what changed, and how many rows were done without a gap."""
        totals = Totals.from_json(self._backtest.totals)
        changes: list[BacktestChange] = []
        done = 0
        for share, found in zip(shares, answers, strict=True):
            part = Totals.from_json(found["totals"])
            changes += [
                self._changed(page.requests[done + row], *what) for row, *what in found["changed"]
            ]
            totals.merge(part)
            done += part.requests
            if part.requests < len(share):
                break
        return totals, changes, done

    def _changed(
        self, request: UUID, text: str, then: int, now_asked: int, unsure: bool
    ) -> BacktestChange:
        change = VerdictChange.read(text)
        return BacktestChange(
            backtest=self._backtest,
            request_id=request,
            change=text,
            rank=0 if change.loosens else 1 if change.shift == "other" else 2,
            people_then=then,
            people_now=now_asked,
            unsure=unsure,
        )

    def _store(
        self, totals: Totals, changes: list[BacktestChange], cursor: UUID | None, *, over: bool
    ) -> bool:
        backtest = self._backtest
        values = {"totals": totals.to_json(), "done": totals.requests, "cursor": cursor}
        with transaction.atomic():
            if not _keep(backtest, **values, attempts=0):
                return False
            BacktestChange.objects.bulk_create(changes)
            if over:
                # What was counted at the start may have been still being written.
                backtest.total = totals.requests
                backtest.save(update_fields=["total"])
                end(backtest, Backtest.State.DONE, SYSTEM)
        return True
