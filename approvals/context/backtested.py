"""Whether the effect of a policy version was looked at before it comes into force."""

from approvals.models import Backtest, BacktestReader, Request
from approvals.states import Status
from policies.models import PolicyVersion


def backtest_seen(version: PolicyVersion) -> bool:
    """Whether somebody read a finished backtest of exactly this version.

    None is needed of a version that was in force before (its effect is known), nor while no
    pipeline has asked for anything yet.
    """
    done = BacktestReader.objects.filter(
        backtest__version=version, backtest__state=Backtest.State.DONE
    )
    return done.exists() or _was_in_force(version) or not _anything_asked()


def _was_in_force(version: PolicyVersion) -> bool:
    published = Request.objects.filter(
        policy_version=version, action="publish", status=Status.REDEEMED
    )
    return published.exists()


def _anything_asked() -> bool:
    return Request.objects.filter(policy_version__isnull=True).exists()
