"""An approval that does not hold any more: back to the queue as the next round, or denied."""

from typing import Any

from approvals.context.personal import valueless
from approvals.lifecycle.differences import Difference
from approvals.lifecycle.enrich import want_again
from approvals.lifecycle.evaluate import judge, replace_older, target_of
from approvals.lifecycle.transition import Change
from approvals.states import OPEN, WAITING, Status
from policies.language.document import OnDrift
from policies.language.facts import Facts
from policies.queries import policies_in_force
from portal.ledger.actors import SYSTEM

ANSWERED: dict[str, Any] = {"redeem_failure": "", "redeem_failed_at": None}


def begin_next_round(
    change: Change, found: list[Difference], facts: Facts, on_drift: OnDrift
) -> None:
    """Back to the queue, or denied where policy says so; the decisions of before count no more.

    `found`: what moved. `facts`: as the portal has them now.
    """
    request = change.request
    policies = policies_in_force(*target_of(request))
    change.set(drift=found)
    change.move(Status.PENDING, actor=SYSTEM, drift=valueless(found))
    change.set(
        round=request.round + 1,
        moved=[],
        pinned=[pinned.id for pinned in policies],
        given=0,
        needed=0,
        approved_at=None,
        use_by=None,
        decide_by=None,
        **ANSWERED,
    )
    if on_drift == "deny":
        change.set(ended_reason=f"{names_of(found)} changed after the approval.")
        because = {"outcome": "denied", "because": ["drift"]}
        change.move(Status.DENIED, actor=SYSTEM, decision=because)
    else:
        judged = judge(change, policies, facts)
        if Status(request.status) in OPEN:  # a newer one may have come while it was approved
            replace_older(change, judged)
    change.save()
    if Status(request.status) in WAITING:
        want_again(request, facts)


def names_of(found: list[Difference]) -> str:
    """What moved, in one line."""
    return ", ".join(str(difference["fact"]) for difference in found)
