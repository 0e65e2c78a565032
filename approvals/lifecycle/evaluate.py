"""Facts -> snapshot -> verdict -> the move that follows from it."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from approvals.asked import obligations
from approvals.behalf import groups_behind
from approvals.context.collect import facts_digest, with_sourceless
from approvals.context.drift import moved_while_waiting, unknown_held
from approvals.context.personal import sealed
from approvals.lifecycle.announce import wake
from approvals.lifecycle.transition import Change
from approvals.models import Decision, Request, Snapshot, Verdict
from approvals.permissions import either, is_late
from approvals.quorum import Asked, Tally, impossible, satisfied, tally
from approvals.requesters import linked_touchers, with_unknown_authors
from approvals.states import WAITING, Status
from approvals.votes import counting_approvals, eligible
from policies.language.document import PinnedPolicy, PinnedVersion, read_facts
from policies.language.evaluate import evaluate
from policies.language.facts import Facts, Unknown
from policies.language.verdict import Outcome
from policies.language.verdict import Verdict as Judgement
from policies.queries import pinned_policies, policies_in_force
from portal.directory.queries import active_members
from portal.kernel.canonical import digest_of
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from portal.ledger.actors import SYSTEM


class NoEligibleApprover(Invalid):
    """An obligation that nobody can meet: refused with its cause, never a wait for ever."""

    code = "no-eligible-approver"


def policies_on(request: Request) -> list[PinnedVersion]:
    """What judges a request: the versions pinned when its round began, and those in force now.

    Their answers are joined and the strictest wins: publishing can stop what waits, not free it.
    Where nothing binding is in force any more, that is the strictest: no policy denies.
    """
    current = policies_in_force(*target_of(request))
    if not any(version.document.mode == "enforce" for version in current):
        return current
    known = set(request.pinned)
    return [*pinned_policies(known), *(version for version in current if version.id not in known)]


def target_of(request: Request) -> tuple[str, str, str]:
    """Project, environment and action: what policies match on."""
    return request.project.slug, request.environment.name, request.action


def capture(change: Change, facts: Facts, *, anew: bool) -> Snapshot:
    """Store the snapshot and make it the request's; the same facts keep the old one.

    `anew`: the verdict differs, so the facts that only time changes belong on record too.
    """
    request = change.request
    digest = facts_digest(facts)
    last = request.snapshot
    same = last is not None and last.facts_digest == digest and last.round == request.round
    if last is not None and same and not anew:
        return last
    body, salt = facts.to_json(), secrets.token_bytes(16)
    snapshot = Snapshot.objects.create(
        request=request,
        round=request.round,
        digest=digest_of(sealed(body, salt)),
        facts_digest=digest,
        facts=body,
        salt=salt,
        captured_at=now(),
    )
    change.set(snapshot=snapshot)
    change.note("snapshot.captured", actor=SYSTEM, snapshot={"digest": snapshot.digest})
    return snapshot


def give_verdict(
    change: Change, policies: Sequence[PinnedPolicy], facts: Facts
) -> tuple[Judgement, Verdict]:
    """Evaluate, and store what was said where it differs from what was said before."""
    request = change.request
    _keep_touchers(request, facts)
    judgement = evaluate(policies, facts)
    body = judgement.to_json()
    last = request.verdict
    same = last is not None and last.round == request.round and _gist(last.body) == _gist(body)
    before = request.snapshot
    snapshot = capture(change, facts, anew=not same)
    if before is not None and before.round == snapshot.round and before.pk != snapshot.pk:
        old = before.typed
        change.set(
            moved=moved_while_waiting(request.moved, old, facts, judgement, snapshot.captured_at)
        )
    if last is not None and same:
        return judgement, last
    digest = digest_of(body)
    verdict = Verdict.objects.create(
        request=request,
        snapshot=snapshot,
        round=request.round,
        outcome=judgement.outcome,
        body=body,
        digest=digest,
        given_at=now(),
    )
    change.set(verdict=verdict)
    change.note(
        "verdict.given",
        actor=SYSTEM,
        outcome=str(judgement.outcome),
        snapshot={"digest": snapshot.digest},
        policy=policy_refs(judgement),
        decision={
            "outcome": str(judgement.outcome),
            "verdict": digest,
            **({"extra": judgement.extra.to_json()} if judgement.extra else {}),
        },
    )
    return judgement, verdict


def _keep_touchers(request: Request, facts: Facts) -> None:
    """Bookkeeping, not state: who may decide is looked up again when somebody does."""
    found = linked_touchers(request, facts)
    if request.forge_touchers != found:
        Request.objects.filter(pk=request.pk).update(forge_touchers=found)
        request.forge_touchers = found


def _gist(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a verdict says, without when its facts were read: the same again is no new verdict."""
    results = [(r["policy"], r["rule"], r["result"]) for r in body["explanation"]]
    return {**body, "explanation": results}


def policy_refs(judgement: Judgement) -> list[dict[str, object]]:
    """Policies by id, version and digest, as entries and receipts name them."""
    return [
        {"id": ref.policy, "version": ref.version, "digest": ref.digest}
        for ref in judgement.policies
    ]


def judge(
    change: Change, policies: Sequence[PinnedPolicy], facts: Facts, *, fresh: bool = False
) -> Judgement:
    """Give the verdict on a request that is submitted or pending, and make the move it calls for.

    `fresh`: inside the POST, where obligations that nobody can meet raise NoEligibleApprover;
    later they deny.
    """
    request = change.request
    facts = with_sourceless(with_unknown_authors(facts), read_facts(policies))
    before = request.verdict.body["decide_within"] if request.verdict else 0
    judgement, _ = give_verdict(change, policies, facts)
    if request.risk != judgement.risk:
        change.set(risk=judgement.risk)
    _set_deadline(change, before, judgement.decide_within)
    if judgement.outcome == Outcome.DENY:
        _deny(change, judgement)
    elif is_late(request):
        return judgement  # a limit that came true ended the time: the sweep says so, never "go"
    elif not judgement.settled or _still_read(judgement, facts):
        if fresh:
            _refuse_impossible(request, judgement)
    elif judgement.outcome == Outcome.ALLOW and not unknown_held(judgement.hold, facts):
        approve(change, judgement, by="policy")
    else:
        _wait(change, judgement, facts, fresh=fresh)
    return judgement


def _set_deadline(change: Change, before: int, within: int) -> None:
    """The time to decide counts from the first verdict of the round (`before` seconds, so far).

    Facts that come later may show that a limit applies after all, or does not.
    """
    begun = change.request.decide_by
    if begun is None and within:
        change.set(decide_by=now() + timedelta(seconds=within))
    elif begun is not None and within and within != before:
        change.set(decide_by=begun + timedelta(seconds=within - before))


def _refuse_impossible(request: Request, judgement: Judgement) -> None:
    """What is certainly asked already must be possible, whatever the facts still to come say."""
    certain = {(r.policy, r.rule) for r in judgement.explanation if r.result == "applies"}
    asked = [one for one in obligations(request) if (one.policy, one.rule) in certain]
    nobody = _impossible(request, asked)
    if nobody:
        raise NoEligibleApprover(_cause(request, nobody[0]))


def _impossible(request: Request, asked: list[Asked]) -> list[Asked]:
    names = sorted({group for one in asked for group in one.groups})
    return impossible(asked, eligible(request, asked, active_members(names))) if names else []


def _still_read(judgement: Judgement, facts: Facts) -> bool:
    """Whether a held fact is still being read: nothing is approved before it can be compared."""
    states = [facts.state(name) for name in judgement.hold]
    return any(isinstance(state, Unknown) and state.kind == "pending" for state in states)


def tallies(request: Request) -> list[Tally]:
    """Each obligation with the people who count for it now.

    Memberships are read now, and so is who touched the change: a fact that came after the decision
    may say that the approver wrote it.
    """
    given = counting_approvals(request, Decision.on(request))
    approvals = [str(decision.person_id) for decision in given]
    return tally(obligations(request), approvals, groups_behind(given))


def approve(change: Change, judgement: Judgement, *, by: str) -> None:
    """Approved: by policy alone or by people. The time to use it begins and is never extended."""
    at = now()
    if change.request.status == Status.SUBMITTED:
        replace_older(change, judgement)
    change.set(approved_at=at, use_by=at + timedelta(seconds=judgement.valid_for))
    change.move(
        Status.APPROVED,
        actor=SYSTEM if by == "policy" else None,
        outcome=by,
        policy=policy_refs(judgement),
        snapshot={"digest": change.request.snapshot.digest} if change.request.snapshot else {},
        decision={"outcome": "approved", "by": by},
    )
    if change.request.policy_version_id is not None:
        wake("approvals.publish", str(change.request.id))


def replace_older(change: Change, judgement: Judgement) -> None:
    """It stands now: older requests for the same target may go, if policy says so."""
    if judgement.supersede == "environment":
        change.set(retires_older=True)
        wake("approvals.retire_older", str(change.request.id))


def _deny(change: Change, judgement: Judgement) -> None:
    change.move(
        Status.DENIED,
        actor=SYSTEM,
        policy=policy_refs(judgement),
        decision={"outcome": "denied", "because": [d.rule for d in judgement.denials]},
    )


def _wait(change: Change, judgement: Judgement, facts: Facts, *, fresh: bool) -> None:
    """Wait for people, or for a held fact: unknown is never equal, so approving would be void."""
    request = change.request
    asked = obligations(request)
    nobody = _impossible(request, asked)
    if nobody:
        _nobody_can(change, nobody[0], fresh=fresh)
        return
    _await_groups(request, sorted({group for one in asked for group in one.groups}))
    found = tallies(request)
    change.set(needed=sum(t.asked.count for t in found), given=sum(t.given for t in found))
    if request.status == Status.SUBMITTED:
        replace_older(change, judgement)
        change.move(Status.PENDING, actor=SYSTEM, policy=policy_refs(judgement))
    if may_approve(judgement, facts) and satisfied(found):
        approve(change, judgement, by="people")


def may_approve(judgement: Judgement, facts: Facts) -> bool:
    """Whether people can approve on these facts once everything asked is given."""
    return judgement.outcome == Outcome.REVIEW and not unknown_held(judgement.hold, facts)


_AWAIT = """
INSERT INTO approvals_awaitedgroup (request_id, group_id, waiting)
SELECT %s, id, true FROM portal_approvergroup WHERE name = ANY(%s)
ON CONFLICT DO NOTHING
"""


def _await_groups(request: Request, names: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_AWAIT, [request.pk, names])


def _nobody_can(change: Change, asked: Asked, *, fresh: bool) -> None:
    if fresh:
        raise NoEligibleApprover(_cause(change.request, asked))
    change.set(ended_reason=_cause(change.request, asked))
    change.move(
        Status.DENIED,
        actor=SYSTEM,
        decision={"outcome": "denied", "because": ["no-eligible-approver"], "rule": asked.rule},
    )


def _cause(request: Request, asked: Asked) -> str:
    extra = request.verdict.body.get("extra") if request.verdict else None
    return (
        f"Rule {asked.rule} asks for {asked.count} from {either(list(asked.groups))}, but not "
        "enough people there may decide: the group is unknown or empty, or its members touched "
        "this change. Add members to the group, then ask again."
        + (f" {extra['sentence']}" if extra else "")
    )


def still_waiting(request: Request) -> bool:
    """Whether a verdict can still move this request."""
    return Status(request.status) in WAITING
