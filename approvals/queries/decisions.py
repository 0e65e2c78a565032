"""The decisions on a request as they are listed: which count, and which fell at redeem."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.models import Decision, Permit, Request
from approvals.queries.summary import Wanted
from portal.accounts.models import User


@dataclass(frozen=True)
class DecisionLine:
    """One decision as it is listed; see `decision_lines` for `counts`.

    `behalf`: the member on whose behalf it was given, or empty.
    """

    person: str
    behalf: str
    outcome: str
    comment: str
    at: datetime
    counts: bool
    round: int
    stepped_up_at: datetime | None
    erased_at: datetime | None


def decision_lines(
    request: Request,
    decisions: Iterable[Decision],
    wanted: Sequence[Wanted],
    permit: Permit | None = None,
) -> list[DecisionLine]:
    """Each decision (with its person loaded), in the order given; no query.

    A rejection counts in its round. An approval counts while it fills something that is asked: not
    if its giver left the group, touched the change, or came after all places were filled. What a
    permit was given on stays as its receipt has it, whatever becomes of the people.
    """
    people = {person for one in wanted for person in one.people}
    return [
        DecisionLine(
            person=str(decision.person),
            behalf=str(decision.delegation.delegator) if decision.delegation else "",
            outcome=decision.outcome,
            comment=decision.comment,
            at=decision.decided_at,
            counts=decision.round == request.round and _counts(decision, people, permit),
            round=decision.round,
            stepped_up_at=decision.stepped_up_at,
            erased_at=decision.erased_at,
        )
        for decision in decisions
    ]


def _counts(decision: Decision, people: set[str], permit: Permit | None) -> bool:
    if decision.outcome == Decision.Outcome.REJECT:
        return True
    if permit is not None:
        return str(decision.person.actor_ref) in permit.approvers()
    return str(decision.person_id) in people


def named_drift(drift: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Differences as people read them: `{fact, old, new}`, a vote that fell with its giver's name.

    One query where a vote fell: names stand with the people, never in rows or the ledger.
    """
    refs = {row["person"] for row in drift if "person" in row}
    people = User.objects.filter(actor_ref__in=refs) if refs else ()
    names = {str(person.actor_ref): str(person) for person in people}
    return [
        {
            "fact": f"approval by {names[row['person']]}" if "person" in row else row["fact"],
            "old": row["old"],
            "new": row["new"],
        }
        for row in drift
    ]
