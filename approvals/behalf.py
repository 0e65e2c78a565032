"""In whose name people decide: their own, or that of the member whose delegate they are.

What is given on a delegation is the delegator's approval, spoken by somebody else: it counts for
the delegated group only, once for each delegator, and falls with the delegator's right.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from approvals.models import Decision
from portal.accounts.models import User
from portal.directory.models import Delegation
from portal.directory.queries import memberships_of

R = TypeVar("R")


@dataclass(frozen=True)
class Answer(Generic[R]):
    """Why somebody may not act, or None; and the delegation on which they may, if it is needed."""

    refusal: R | None
    delegation: Delegation | None = None


@dataclass(frozen=True)
class Naming(Generic[R]):
    """How refusals depend on the name. `lost`: it may be otherwise in another name. `vague`: what
    is said of another name says more."""

    lost: Callable[[R], bool]
    vague: Callable[[R], bool]

    def answer(
        self,
        ask: Callable[[Delegation | None], R | None],
        delegations: Callable[[], Iterable[Delegation]],
    ) -> Answer[R]:
        """In one's own name where that is possible, else on behalf of the first for whom it is.

        `delegations` are read only then.
        """
        own = ask(None)
        if own is None or not self.lost(own):
            return Answer(own)
        refusals = [own]
        for delegation in delegations():
            refusal = ask(delegation)
            if refusal is None:
                return Answer(None, delegation)
            refusals.append(refusal)
        return Answer(next((one for one in refusals if not self.vague(one)), own))


def givers(decision: Decision) -> list[User]:
    """Everybody who has to be entitled for it to count."""
    if decision.delegation is None:
        return [decision.person]
    return [decision.person, decision.delegation.delegator]


def voice_of(decision: Decision) -> UUID:
    """Whose approval it is: the delegator's, where it was given on a delegation."""
    if decision.delegation is None:
        return decision.person_id
    return decision.delegation.delegator_id


def one_voice(decisions: Iterable[Decision]) -> list[Decision]:
    """Those that count at most: none on a delegation that fell, and one for each voice, so that a
    member and their delegate are not two (ATTACKS A5)."""
    found: dict[UUID, Decision] = {}
    for decision in decisions:
        if decision.delegation is None or decision.delegation.stands:
            found.setdefault(voice_of(decision), decision)
    return list(found.values())


def groups_behind(
    decisions: Iterable[Decision], memberships: Mapping[str, frozenset[str]] | None = None
) -> dict[str, frozenset[str]]:
    """The groups for which each giver's decision counts now, by the person's id.

    `memberships` of all givers, where they were read already.
    """
    listed = list(decisions)
    if memberships is None:
        memberships = memberships_of(d.person_id for d in listed if d.delegation is None)
    found: dict[str, frozenset[str]] = {}
    for decision in listed:
        person, delegation = str(decision.person_id), decision.delegation
        if delegation is None:
            found[person] = memberships.get(person, frozenset())
        elif delegation.stands:
            found[person] = frozenset({delegation.group.name})
    return found
