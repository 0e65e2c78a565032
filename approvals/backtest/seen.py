"""Which backtest of a version is finished, and who has read it: publishing asks for that."""

from typing import Any

from django.db import transaction

from approvals.backtest.start import note
from approvals.models import Backtest, BacktestReader
from policies.models import PolicyVersion
from portal.kernel.clock import now
from portal.ledger.actors import person_actor


def backtest_of(version: PolicyVersion) -> Backtest | None:
    """The newest finished backtest of exactly this version."""
    done = version.backtests.filter(state=Backtest.State.DONE)
    return done.select_related("started_by").order_by("-created_at").first()


def seen_by(version: PolicyVersion, person: Any) -> bool:
    """Whether `person` looked at the result of a finished backtest of exactly this version."""
    return BacktestReader.objects.filter(backtest__version=version, person=person).exists()


@transaction.atomic
def mark_seen(*, by: Any, backtest: Backtest) -> None:
    """`by` says that they looked at the finished result; recorded the first time only."""
    if backtest.state != Backtest.State.DONE:
        return
    _row, new = BacktestReader.objects.get_or_create(
        backtest=backtest, person=by, defaults={"at": now()}
    )
    if new:
        note("backtest.seen", backtest, person_actor(by))
