"""Taking back: the request by the one who asked, the approval by the one who gave it."""

import secrets
from uuid import UUID

from django.db import transaction

from approvals.lifecycle.transition import Change, locked
from approvals.models import Reading, Request
from approvals.permissions import why_not
from approvals.queries import owned_by, require_sight
from approvals.states import OPEN, Status
from portal.accounts.authentication import actor_of, require_scope
from portal.accounts.models import ProjectToken, User
from portal.kernel.canonical import commitment
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.text import text_problem
from portal.ledger.actors import Actor, person_actor

MAX_REASON_BYTES = 4096


def withdraw_for_run(
    *, token: ProjectToken, request_id: UUID, run_id: str, run_attempt: int, reason: str = ""
) -> Request:
    """The run was cancelled. The same again is the same answer.

    Raises NotFound, Forbidden (another run), Conflict (over already).
    """
    require_scope(token, "request")
    with transaction.atomic():
        request = owned_by(token, request_id, run_id, run_attempt, lock=True)
        if request.status != Status.WITHDRAWN:
            if Status(request.status) not in OPEN:
                raise Conflict(f"This request is {request.status} already.", code="illegal-state")
            _take_back(request, Status.WITHDRAWN, actor_of(token), reason)
    return request


def withdraw_request(*, by: User, request_id: UUID, reason: str = "") -> int:
    """A person takes the request back; the ledger entry. Raises as `why_not` says."""
    return _by_person(by, request_id, "withdraw", reason)


def revoke_request(*, by: User, request_id: UUID, reason: str) -> int:
    """Take back an approval that is not used yet; the ledger entry. Raises as `why_not` says."""
    if not reason.strip():
        raise Invalid("Say why the approval is taken back.", errors=[{"field": "reason"}])
    return _by_person(by, request_id, "revoke", reason)


def _by_person(by: User, request_id: UUID, verb: str, reason: str) -> int:
    problem = text_problem(reason, multiline=True)
    if problem or len(reason.encode()) > MAX_REASON_BYTES:
        raise Invalid(f"The reason {problem or 'is too long; shorten it'}.")
    with transaction.atomic():
        require_sight(by, request_id)
        request = locked(request_id)
        refusal = why_not(by, "withdraw" if verb == "withdraw" else "revoke", request)
        if refusal is not None:
            raise refusal.error()
        to = Status.WITHDRAWN if verb == "withdraw" else Status.REVOKED
        return _take_back(request, to, person_actor(by), reason)


def _take_back(request: Request, to: Status, actor: Actor, reason: str) -> int:
    change = Change(request, actor)
    salt = secrets.token_bytes(16)
    change.set(ended_reason=reason, ended_salt=salt)
    change.move(to, reason_commit=commitment(salt, reason))
    Reading.objects.filter(request=request).update(next_try=None)
    return change.save()
