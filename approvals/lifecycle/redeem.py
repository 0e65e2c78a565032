"""Right before execution: look at the world again, and give the permit once, or find drift."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from approvals.context.collect import (
    ask_all,
    facts_at_hand,
    question_about,
    wanted_sources,
    with_sourceless,
)
from approvals.lifecycle.differences import Difference, approved_on, differences
from approvals.lifecycle.evaluate import (
    give_verdict,
    policies_on,
    policy_refs,
)
from approvals.lifecycle.expire import expire_unused
from approvals.lifecycle.next_round import ANSWERED, begin_next_round, names_of
from approvals.lifecycle.receipt import sign
from approvals.lifecycle.rejudge import stored_facts
from approvals.lifecycle.statement import approval, simple_result
from approvals.lifecycle.transition import Change, locked
from approvals.models import Permit, Request
from approvals.permissions import why_not_here
from approvals.queries import named_drift, owned_by
from approvals.requesters import ACCOUNTS, EMAILS, with_unknown_authors
from approvals.states import PermitStatus, Status
from policies.language.document import (
    PinnedPolicy,
    indispensable_facts,
    needed_facts,
    read_facts,
)
from policies.language.evaluate import evaluate
from policies.language.facts import Facts, Known
from policies.language.unknown_authors import UNKNOWN_AUTHORS
from policies.language.verdict import Verdict as Judgement
from portal.accounts.authentication import actor_of, require_scope
from portal.accounts.models import ProjectToken
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Conflict, Gone, Invalid, Refused, Unavailable
from portal.ledger.actors import SYSTEM, Actor
from portal.ledger.record import hint

START_WITHIN = timedelta(minutes=5)
TRIES = 3
AUTHORS = frozenset({*EMAILS, "git.authors", ACCOUNTS})
HEARTBEAT_SECONDS = 30


class NotApproved(Conflict):
    """Nothing to redeem: not approved (yet), or over."""

    code = "not-approved"


class Drift(Conflict):
    """The world moved: the approval is void, the request is back in the queue."""

    code = "drift"


@dataclass(frozen=True)
class Claim:
    """Who wants the permit: a run attempt, and the digest of the request it believes it asked."""

    run_id: str
    run_attempt: int
    digest: str


def redeem_request(*, token: ProjectToken, request_id: UUID, claim: Claim) -> Permit:
    """The permit, exactly once; the same run attempt again gets the same one.

    Raises NotFound, Forbidden (another run), Invalid (digest), NotApproved, Gone (expired), Drift,
    Conflict (the environment or project is archived), Unavailable (a source that must be asked does
    not answer: the approval stands, try again).
    """
    require_scope(token, "request")
    for _ in range(TRIES):
        request = owned_by(token, request_id, claim.run_id, claim.run_attempt)
        if request.digest != claim.digest:
            raise Invalid(
                "This digest is not the request's. Redeem with the one that submitting returned.",
                errors=[{"field": "digest", "message": "is not the digest of this request"}],
            )
        given = _given(request)
        if given is not None:
            return given
        _require_approved(request)
        policies = policies_on(request)
        facts = fresh_facts(request, policies)
        outcome = give_permit(request, actor_of(token), policies, facts)
        if isinstance(outcome, Permit):
            return outcome
        if outcome is not None:
            raise outcome
    raise Unavailable("The request keeps changing while it is redeemed. Try again.")


def _given(request: Request) -> Permit | None:
    return Permit.objects.filter(request=request).select_related("request").first()


def _require_approved(request: Request) -> None:
    if request.status == Status.APPROVED and request.use_by and request.use_by <= now():
        expire_unused(request.id)
        raise _too_late()
    if request.status == Status.EXPIRED:
        raise _too_late()
    if request.status != Status.APPROVED:
        raise NotApproved(
            f"This request is {request.status}: there is nothing to redeem.",
            request_status=request.status,
            round=request.round,
        )
    archived = why_not_here(request)
    if archived is not None:
        raise archived.error()


def _too_late() -> Gone:
    return Gone("This request expired, or its approval was not used in time. Ask again.")


def fresh_facts(request: Request, policies: Sequence[PinnedPolicy]) -> Facts:
    """What the policies read, read now; the rest as last seen. No transaction is open.

    Where people decided, who wrote the change is read again too: their votes depend on it. A
    source that fails just now is no drift: nothing is known to have moved, so the approval stands.
    """
    question = question_about(request, now(), fresh=True)
    needed = needed_facts(policies)
    if _decided(request) or UNKNOWN_AUTHORS in needed:
        needed |= AUTHORS
    sources = wanted_sources(question, needed)
    answer = ask_all(sources, question, settings.REDEEM_SECONDS)
    read = {**stored_facts(request, question), **facts_at_hand(question), **answer.states}
    facts = with_sourceless(with_unknown_authors(Facts(read)), read_facts(policies))
    if answer.failed & _indispensable(request, policies, facts):
        _remember_failure(request, answer.error)
        raise Unavailable(
            f"A source that must be asked again does not answer ({answer.error}). The approval "
            "stands until its time is over; try again.",
        )
    return facts


def _indispensable(
    request: Request, policies: Sequence[PinnedPolicy], facts: Facts
) -> frozenset[str]:
    """The facts without which nothing can be said now.

    A policy may say who is asked where a fact is not to be had: where it was approved so already,
    that is no reason to wait. Who wrote the change matters unless they may decide too.
    """
    then = request.snapshot.typed if request.snapshot else Facts({})
    known = {name for name, state in then.items() if isinstance(state, Known)}
    found = indispensable_facts(policies) | (needed_facts(policies) & known)
    barred = _decided(request) and not evaluate(policies, facts).self_approval
    return found | AUTHORS if barred or UNKNOWN_AUTHORS in found else found


def _decided(request: Request) -> bool:
    """Whether people decided in this round."""
    return request.decisions.filter(round=request.round).exists()


def _remember_failure(request: Request, error: str) -> None:
    """So that the page can tell why nothing goes on; no move, so no entry. Open pages are told of
    each new reason, not of each try: the pipeline tries again every few seconds."""
    still = Request.objects.filter(pk=request.pk, status=Status.APPROVED, round=request.round)
    why = {"redeem_failure": error[:500], "redeem_failed_at": now()}
    if still.exclude(redeem_failure=error[:500]).update(**why):
        hint(request=request.pk, project=request.project_id)
    else:
        still.update(**why)


@transaction.atomic
def give_permit(
    seen: Request, by: Actor, policies: Sequence[PinnedPolicy], facts: Facts
) -> Permit | Refused | None:
    """Permit, or a refusal to be raised after the commit; None when another round came between.

    `seen` is the request as it was when `facts` were read, for `policies`.
    """
    request = locked(seen.id)
    given = _given(request)
    if given is not None:
        return given
    if (request.status, request.round, request.pinned) != (seen.status, seen.round, seen.pinned):
        return None
    at = now()
    if request.use_by is None or request.use_by <= at:
        return _too_late()
    archived = why_not_here(request)
    if archived is not None:
        return archived.error()
    before = approved_on(request)
    change = Change(request, by)
    judgement, _ = give_verdict(change, policies, facts)
    found = differences(request, judgement, before, facts)
    if found:
        begin_next_round(change, found, facts, judgement.on_drift)
        return _drift(request, found)
    use_by = (request.approved_at or at) + timedelta(seconds=judgement.valid_for)
    if use_by <= at:  # a limit came true, or a version with less time came into force
        change.set(use_by=use_by)
        change.move(Status.EXPIRED, actor=SYSTEM)
        change.save()
        return _too_late()
    return _issue(change, judgement, at)


def _drift(request: Request, found: list[Difference]) -> Drift:
    drift = named_drift(found)
    return Drift(
        f"Not any more what was approved: {names_of(drift)} changed. {_what_now(request)}",
        drift=drift,
        round=request.round,
        request_status=request.status,
    )


def _what_now(request: Request) -> str:
    if request.status == Status.DENIED:
        return "Policy denies it now; ask again for what is there now."
    return f"The request is back in the queue as round {request.round}."


def _issue(change: Change, judgement: Judgement, at: datetime) -> Permit:
    request = change.request
    permit = Permit(
        request=request,
        environment=request.environment,
        action=request.action,
        issued_at=at,
        expires_at=at + START_WITHIN,
        status=PermitStatus.ISSUED.value,
    )
    permit.receipt = sign(approval(request, permit, judgement))
    permit.simple_result = sign(simple_result(request, permit, judgement))
    permit.save(force_insert=True)
    change.set(**ANSWERED)
    change.move(
        Status.REDEEMED,
        policy=policy_refs(judgement),
        snapshot={"digest": request.snapshot.digest if request.snapshot else ""},
        permit={"id": str(permit.id), "expires_at": rfc3339(permit.expires_at)},
    )
    change.save()
    return permit
