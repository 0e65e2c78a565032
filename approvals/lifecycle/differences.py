"""Why an approval does not hold any more: what moved, whose vote fell, what policy says now."""

from collections.abc import Sequence
from typing import Any

from approvals.asked import confirmed_within, obligations, self_approval_allowed, step_up_age
from approvals.behalf import givers
from approvals.context.drift import changes_between, shown
from approvals.lifecycle.evaluate import tallies
from approvals.models import Decision, Request, Snapshot
from approvals.permissions import either
from approvals.quorum import Tally, satisfied
from approvals.requesters import touched_by, touchers
from approvals.votes import may_publish
from policies.language.drift import held_changes
from policies.language.facts import Facts
from policies.language.verdict import Outcome
from policies.language.verdict import Verdict as Judgement
from portal.directory.queries import groups_of

Difference = dict[str, Any]
_PEOPLE = ("person", "delegation__group", "delegation__delegator", "delegation__delegate")


def approved_on(request: Request) -> list[Facts]:
    """The facts each decision of the round was taken on; policy's own where nobody was asked."""
    digests = request.decisions.filter(round=request.round).values_list("snapshot", flat=True)
    snapshots = list(Snapshot.objects.filter(pk__in=set(digests)))
    if not snapshots and request.snapshot is not None:
        snapshots = [request.snapshot]
    return [snapshot.typed for snapshot in snapshots]


def differences(
    request: Request, judgement: Judgement, before: Sequence[Facts], facts: Facts
) -> list[Difference]:
    """Why the approval given on `before` does not hold any more; empty when it does.

    Each is `{fact, old, new}`; a vote that fell has its giver's reference as `person`, no name: the
    list goes into the ledger.
    """
    held = {
        change.fact: shown(change)
        for old in before
        for change in held_changes(judgement.hold, old, facts, dict(judgement.tolerate))
    }
    if held:
        return list(held.values())
    if judgement.outcome == Outcome.ALLOW:
        return []
    found = tallies(request)
    review = judgement.outcome == Outcome.REVIEW
    if review and satisfied(found):
        return []
    moved = [
        shown(change)
        for old in before[:1]
        for change in changes_between(old, facts, judgement.reads)
    ]
    fallen = _fallen(request, found) if review else []
    now_says = {"fact": "policy", "old": "approved", "new": _says(judgement, found)}
    return [*fallen, *moved] or [now_says]


def _fallen(request: Request, found: Sequence[Tally]) -> list[Difference]:
    """The approvals of the round that do not count any more."""
    counted = {person for tally in found for person in tally.people}
    given = request.decisions.filter(round=request.round, outcome="approve")
    return [
        {
            "fact": "approval",
            "person": str(decision.person.actor_ref),
            "old": "counted",
            "new": f"not counted: {_why_fallen(request, decision)}",
        }
        for decision in given.select_related(*_PEOPLE).order_by("decided_at")
        if str(decision.person_id) not in counted
    ]


def _why_fallen(request: Request, decision: Decision) -> str:
    asked, person, delegation = obligations(request), decision.person, decision.delegation
    if not confirmed_within(decision, step_up_age(request)):
        return "policy asks now for a fresh second factor"
    if not person.is_active:
        return "the account is deactivated"
    if delegation is not None and not delegation.stands:
        return "the delegation on which it was given stands no more"
    touched = [touched_by(giver, touchers(request)) for giver in givers(decision)]
    if not self_approval_allowed(asked) and any(touched):
        return "whoever gave it touched the change"
    if not all(may_publish(giver, request) for giver in givers(decision)):
        return "whoever gave it may not publish this policy any more"
    groups = sorted({group for one in asked for group in one.groups})
    mine = [delegation.group.name] if delegation else groups_of(person)
    if not set(mine) & set(groups):
        return f"whoever gave it is not in {either(groups)}"
    return "somebody else is asked now"


def _says(judgement: Judgement, found: Sequence[Tally]) -> str:
    if judgement.outcome == Outcome.DENY:
        return " ".join(denial.sentence for denial in judgement.denials)
    if judgement.outcome == Outcome.BLOCKED:
        return f"waits for a fact: {', '.join(judgement.blocking)}"
    asks = [
        f"{tally.missing} more from {either(list(tally.asked.groups))} (rule {tally.asked.rule})"
        for tally in found
        if not tally.done
    ]
    return f"asks for {', '.join(asks)}"
