"""While the action runs, and when it ends."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from approvals.lifecycle.transition import Change, locked
from approvals.models import Permit, Request
from approvals.queries import owned_permit
from approvals.states import PERMIT_TRANSITIONS, PermitStatus
from policies.language.facts import Known
from portal.accounts.authentication import actor_of, require_scope
from portal.accounts.models import ProjectToken
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Gone, Refused
from portal.ledger.actors import Actor

# Four heartbeats missed in a row; one every 30 seconds is asked for.
LOST_AFTER = timedelta(seconds=120)
LONGEST_LEAD = timedelta(days=3650)  # a commit can name any time; such a one says nothing


class AlreadyRunning(Conflict):
    """Another process of the same run attempt began with this permit."""

    code = "already-running"


_OVER = {
    PermitStatus.SUCCEEDED,
    PermitStatus.FAILED,
    PermitStatus.EXPIRED,
    PermitStatus.REVOKED,
}


def heartbeat(
    *, token: ProjectToken, permit_id: UUID, run_id: str, run_attempt: int, starter: str = ""
) -> Permit:
    """The action is alive; the first one says that it began.

    `starter` is a random text of the process that runs the action. Redeem gives the same permit to
    every process of a run attempt; only the one whose heartbeat came first may go on to act.
    Raises NotFound, Forbidden (another run), Gone (not begun in time), AlreadyRunning (another
    starter), Conflict (ended already).
    """
    require_scope(token, "request")
    with transaction.atomic():
        permit = _locked(token, permit_id, run_id, run_attempt)
        if permit.status == PermitStatus.ISSUED:
            _start(permit, actor_of(token), starter)
        elif permit.status != PermitStatus.RUNNING:
            raise _over(permit)
        elif permit.starter != starter:
            raise _already_running()
        permit.heartbeat_at = now()
        permit.save(update_fields=["heartbeat_at"])
    return permit


def finish_permit(
    *,
    token: ProjectToken,
    permit_id: UUID,
    run_id: str,
    run_attempt: int,
    outcome: PermitStatus,
    exit_code: int | None,
    starter: str = "",
) -> Permit:
    """The action ended: succeeded or failed. The same again is the same answer.

    Also where the run was given up as lost: the portal may have been away, not the run.

    `starter`: as in `heartbeat`, or empty where another process reports than the one that acted.
    Raises NotFound, Forbidden, Gone, AlreadyRunning (another starter), Conflict (ended otherwise).
    """
    require_scope(token, "request")
    with transaction.atomic():
        permit = _locked(token, permit_id, run_id, run_attempt)
        if permit.started_at is not None and starter not in {"", permit.starter}:
            raise _already_running()
        refusal = _finish(permit, outcome, actor_of(token), exit_code, starter)
    if refusal is not None:
        raise refusal  # after the commit: a late report stays on record
    return permit


def _finish(
    permit: Permit, outcome: PermitStatus, actor: Actor, exit_code: int | None, starter: str
) -> Refused | None:
    if permit.status == outcome:
        return None
    late = permit.status == PermitStatus.ISSUED and permit.expires_at <= now()
    if late or permit.status in _OVER:
        _note(permit, "permit.reported_late", actor, outcome, exit_code)
        return _over(permit)
    if permit.status == PermitStatus.ISSUED:
        _start(permit, actor, starter)
    at = now()
    succeeded = outcome == PermitStatus.SUCCEEDED
    lead = lead_time(permit.request, at) if succeeded else None
    move_permit(permit, outcome, actor, finished_at=at, exit_code=exit_code, lead_time_s=lead)
    return None


def lead_time(request: Request, at: datetime) -> int | None:
    """Seconds from the time of the commit to `at`; None where it was not read, or is no past."""
    if request.snapshot is None:
        return None
    state = request.snapshot.typed.state("git.committed_at")
    if not isinstance(state, Known):
        return None
    try:
        lead = at - datetime.fromisoformat(str(state.value))
    except (ValueError, TypeError):  # no time, or one without its zone
        return None
    return int(lead.total_seconds()) if timedelta(0) <= lead <= LONGEST_LEAD else None


def _locked(token: ProjectToken, permit_id: UUID, run_id: str, run_attempt: int) -> Permit:
    """The permit with its request's row locked, so that the two never part."""
    request_id = owned_permit(token, permit_id, run_id, run_attempt).request_id
    request = locked(request_id)
    permit = Permit.objects.select_for_update().get(pk=permit_id)
    permit.request = request
    return permit


def _start(permit: Permit, actor: Actor, starter: str) -> None:
    if permit.expires_at <= now():
        raise _over(permit)
    at = now()
    begun = {"started_at": at, "heartbeat_at": at, "starter": starter}
    move_permit(permit, PermitStatus.RUNNING, actor, **begun)


def move_permit(permit: Permit, to: PermitStatus, actor: Actor, **fields: object) -> None:
    """Move a permit whose request is locked, as the table of moves allows, and record it."""
    event = PERMIT_TRANSITIONS.get((PermitStatus(permit.status), to))
    if event is None:
        raise Conflict(f"A permit that is {permit.status} cannot become {to}.")
    permit.status = to.value
    for name, value in fields.items():
        setattr(permit, name, value)
    permit.save(update_fields=["status", *fields])
    _note(permit, event, actor, to, permit.exit_code)


def _note(
    permit: Permit, event: str, actor: Actor, outcome: PermitStatus, exit_code: int | None
) -> None:
    change = Change(permit.request, actor)
    change.note(
        event,
        outcome=outcome.value,
        permit={"id": str(permit.id), "status": str(permit.status), "exit_code": exit_code},
    )
    change.save()


def _already_running() -> AlreadyRunning:
    return AlreadyRunning(
        "Another process of this run attempt began with this permit, which is good for one start "
        "only. Do not act; what has to be done again is a new run attempt, and asks again."
    )


def _over(permit: Permit) -> Conflict | Gone:
    if permit.status in {PermitStatus.ISSUED, PermitStatus.EXPIRED}:
        return Gone("This permit was not used in time. Ask again.")
    return Conflict(f"This permit is {permit.status} already.", code="illegal-state")
