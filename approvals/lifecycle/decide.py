"""A person decides: the one function behind every surface."""

import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from approvals.asked import step_up_age
from approvals.lifecycle.evaluate import approve, may_approve, policies_on, tallies
from approvals.lifecycle.on_screen import SnapshotMoved, shown
from approvals.lifecycle.rejudge import judge_again, policies_moved
from approvals.lifecycle.transition import Change, locked
from approvals.models import Decision, Request, Snapshot, StepUp, Verdict
from approvals.permissions import Refusal, decides_as
from approvals.queries import require_sight
from approvals.queries.step_up import fresh_step_up
from approvals.queries.unshown import unshown_in
from approvals.quorum import satisfied
from approvals.states import WAITING, Status
from policies.language.evaluate import evaluate
from policies.language.facts import Facts
from policies.queries import BrokenPolicy
from portal.accounts.models import User
from portal.directory.models import Delegation
from portal.kernel.canonical import JSON, commitment
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Conflict, Forbidden, Invalid
from portal.kernel.text import text_problem
from portal.ledger.actors import person_actor, signed_in_by
from portal.ledger.models import Entry

MAX_COMMENT_BYTES = 4096


@dataclass(frozen=True)
class Decided:
    """The number of the ledger entry, the status the request has now, and on whose behalf."""

    entry: int
    status: str
    delegation: Delegation | None


@dataclass(frozen=True)
class Giver:
    """Who decides, on whose behalf, and the second factor that they showed for it."""

    person: User
    delegation: Delegation | None
    step_up: StepUp | None


def record_decision(
    *,
    by: User,
    request_id: UUID,
    outcome: str,
    comment: str,
    snapshot_digest: str,
    verdict_digest: str = "",
    opened: Collection[str] = (),
    session: str = "",
) -> Decided:
    """Approve or reject, on the snapshot (and the verdict) that were on the screen.

    `opened`: the places of the page that show only a beginning until they are opened. Who approves
    has to have opened them all. `session`: a digest of the session it is decided in; a second
    factor that policy asks for was shown in the same one, and is used up by this decision.

    A request whose policies moved since its verdict is judged again first, and the decision is
    refused: whoever decides has to see what is asked now.

    Raises NotFound, Forbidden, Conflict (not pending, decided already), SnapshotMoved, Invalid.
    """
    comment = _checked(outcome, comment)
    with transaction.atomic():
        request = _visible_and_locked(by, request_id)
        moved = _policies_moved(request, verdict_digest)
        step_up = fresh_step_up(by, request, session)
        answer = decides_as(by, "approve" if outcome == "approve" else "decide", request, step_up)
        refusal = answer.refusal
        if refusal is None and not moved:
            giver = Giver(by, answer.delegation, step_up)
            return _decide(request, giver, outcome, comment, snapshot_digest, opened)
        if refusal is not None and refusal.status == Forbidden.status:
            _note_refusal(request, by, outcome, refusal)
    # After the commit: who tried stays on record, and so does the new verdict.
    raise refusal.error() if refusal is not None else _policy_moved()


def _policies_moved(request: Request, shown: str) -> bool:
    """Whether other policy versions judge now than those whose verdict was on the screen; the
    request is judged again by those in force."""
    with suppress(BrokenPolicy):  # nothing is approved on it; rejecting is still possible
        if Status(request.status) in WAITING and policies_moved(request, policies_on(request)):
            judge_again(request)
            return True
    if not shown or request.verdict is None or request.verdict.digest == shown:
        return False
    seen = Verdict.objects.filter(request=request, digest=shown).order_by("-given_at").first()
    return seen is None or any(
        seen.body[part] != request.verdict.body[part] for part in ("policies", "obligations")
    )


def _policy_moved() -> SnapshotMoved:
    return SnapshotMoved(
        "Not recorded: what policy asks changed since you opened the page. Look at it again.",
        changes=[],
    )


def _decide(
    request: Request,
    giver: Giver,
    outcome: str,
    comment: str,
    snapshot_digest: str,
    opened: Collection[str],
) -> Decided:
    snapshot, verdict = shown(request, snapshot_digest)
    if outcome == Decision.Outcome.APPROVE:
        _require_opened(snapshot, verdict, opened)
    step_up = giver.step_up
    authn = signed_in_by(step_up.method if step_up else "")
    decision = Decision.objects.create(
        request=request,
        round=request.round,
        person=giver.person,
        delegation=giver.delegation,
        outcome=outcome,
        comment=comment,
        comment_salt=secrets.token_bytes(16),
        snapshot=snapshot,
        verdict=verdict,
        authn=authn,
        stepped_up_at=step_up.at if step_up else None,
        decided_at=now(),
    )
    if step_up is not None:
        _use_up(step_up, decision)
    change = Change(request, person_actor(giver.person, authn=authn, roles=("approver",)))
    _note(change, decision, step_up)
    _count(change, decision)
    return Decided(change.save(), request.status, giver.delegation)


def _use_up(step_up: StepUp, decision: Decision) -> None:
    used = StepUp.objects.filter(pk=step_up.pk, decision=None).update(decision=decision)
    if used != 1:
        raise Conflict("This confirmation was used already. Confirm again.", code="step-up-used")


def _note_refusal(request: Request, by: User, outcome: str, refusal: Refusal) -> None:
    """Once for each person and request: pressing again must not drown its history."""
    known = Entry.objects.filter(request=request.pk, type="decision.refused")
    if known.filter(actor_ref=str(by.actor_ref)).exists():
        return
    change = Change(request, person_actor(by))
    change.note(
        "decision.refused", outcome="refused", decision={"outcome": outcome, "code": refusal.code}
    )
    change.save()


def _checked(outcome: str, comment: str) -> str:
    comment = comment.replace("\r\n", "\n").strip()
    if outcome not in Decision.Outcome.values:
        raise Invalid("Choose Approve or Reject.", errors=[{"field": "outcome"}])
    problem = text_problem(comment, multiline=True)
    if problem is None and len(comment.encode()) > MAX_COMMENT_BYTES:
        problem = f"is longer than {MAX_COMMENT_BYTES} bytes; shorten it"
    if problem is None and outcome == Decision.Outcome.REJECT and not comment:
        problem = "is needed to reject: say why, so that the next request can be better"
    if problem is not None:
        raise Invalid(f"The comment {problem}.", errors=[{"field": "comment", "message": problem}])
    return comment


def _visible_and_locked(by: User, request_id: UUID) -> Request:
    """Visibility is read at this moment, as every right is."""
    require_sight(by, request_id)
    return locked(request_id)


def _require_opened(snapshot: Snapshot, verdict: Verdict, opened: Collection[str]) -> None:
    """Nobody approves what the page did not show them (ATTACKS E10)."""
    missing = [one.label for one in unshown_in(snapshot, verdict.body) if one.name not in opened]
    if missing:
        raise Invalid(
            f"Not recorded: the page shows only a beginning of: {', '.join(missing)}. Open it, "
            "tick that you did, and approve again.",
            code="not-opened",
        )


def _note(change: Change, decision: Decision, step_up: StepUp | None) -> None:
    request = change.request
    confirmed = {"step_up": _told(step_up, request)} if step_up else {}
    verdict, snapshot = request.verdict, request.snapshot
    change.note(
        "decision.recorded",
        outcome=decision.outcome,
        snapshot={"digest": decision.snapshot.digest},
        policy=verdict.body["policies"] if verdict else [],
        decision={
            "outcome": decision.outcome,
            "meaning": "I looked at these facts and this action may run once"
            if decision.outcome == Decision.Outcome.APPROVE
            else "This action must not run",
            "current_snapshot": snapshot.digest if snapshot else "",
            **_behalf(decision.delegation),
            **confirmed,
        },
        reason_commit=commitment(bytes(decision.comment_salt), decision.comment),
    )


def _behalf(delegation: Delegation | None) -> dict[str, str]:
    if delegation is None:
        return {}
    return {"on_behalf_of": str(delegation.delegator.actor_ref), "delegation": str(delegation.pk)}


def _told(step_up: StepUp, request: Request) -> dict[str, JSON]:
    return {
        "id": str(step_up.id),
        "method": step_up.method,
        "at": rfc3339(step_up.at),
        "max_age": step_up_age(request),
    }


def _count(change: Change, decision: Decision) -> None:
    """One reject ends it; otherwise every vote is counted anew under the row lock."""
    request = change.request
    if decision.outcome == Decision.Outcome.REJECT:
        change.move(Status.REJECTED, decision={"outcome": "rejected"})
        return
    found = tallies(request)
    change.set(given=sum(t.given for t in found))
    if not satisfied(found):
        return
    facts = request.snapshot.typed if request.snapshot else Facts({})
    judgement = evaluate(policies_on(request), facts)
    if may_approve(judgement, facts):
        approve(change, judgement, by="people")
