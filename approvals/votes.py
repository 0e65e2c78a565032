"""Whose approval counts: who may publish and did not touch the change, once for each voice."""

from collections.abc import Iterable, Mapping

from approvals.asked import confirmed_within, obligations, self_approval_allowed, step_up_age
from approvals.behalf import givers, one_voice
from approvals.models import Decision, Request
from approvals.quorum import Asked
from approvals.requesters import linked_touchers, touched_by, touchers
from policies.queries import BrokenPolicy, document_of
from policies.reach import may_reach
from portal.access import Capability, holds
from portal.accounts.models import User


def may_publish(person: User, request: Request) -> bool:
    """Whether the person has the right to publish what the request is about, if it is a policy."""
    version = request.policy_version
    if version is None:
        return True
    try:
        return may_reach(person, Capability.PUBLISH_POLICY, version.policy, document_of(version))
    except BrokenPolicy:
        return holds(person, Capability.PUBLISH_POLICY, version.policy)


def counting_approvals(request: Request, decisions: Iterable[Decision]) -> list[Decision]:
    """Those of `decisions` (with their people loaded) that are approvals and count in this round.

    Who touched the change is read now: a fact that came after the decision may say that the
    approver wrote it, or on whose behalf it was given. So is how fresh a second factor policy asks
    for.
    """
    age = step_up_age(request)
    given = [
        decision
        for decision in decisions
        if decision.round == request.round
        and decision.outcome == Decision.Outcome.APPROVE
        and confirmed_within(decision, age)
    ]
    people = [] if self_approval_allowed(obligations(request)) else touchers(request)
    return one_voice(
        decision
        for decision in given
        if all(
            touched_by(person, people) is None and may_publish(person, request)
            for person in givers(decision)
        )
    )


def eligible(
    request: Request, asked: Iterable[Asked], members: Mapping[str, Iterable[User]]
) -> dict[str, frozenset[str]]:
    """Ids of the members of each group who may decide: everybody who did not touch the change."""
    people = [] if self_approval_allowed(asked) else touchers(request)
    return {
        group: frozenset(
            str(p.pk) for p in persons if touched_by(p, people) is None and may_publish(p, request)
        )
        for group, persons in members.items()
    }


def read_links(request: Request) -> None:
    """Let the request know who is linked now to the accounts that touched the change."""
    if request.snapshot is not None:
        request.forge_touchers = linked_touchers(request, request.snapshot.typed)
