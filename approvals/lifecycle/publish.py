"""Carrying out what was approved about a policy: the portal redeems its own request.

The permit, the version in force and every entry are one transaction. A worker is woken on approval;
the sweep finds what a lost message left, until the time to use the approval is over.
"""

from uuid import UUID

from django.db import transaction

from approvals.lifecycle.announce import wake
from approvals.lifecycle.evaluate import policies_on
from approvals.lifecycle.finish import move_permit
from approvals.lifecycle.redeem import fresh_facts, give_permit
from approvals.models import Decision, Permit, Request
from approvals.states import PermitStatus, Status
from approvals.votes import counting_approvals
from policies.models import PolicyVersion
from policies.publishing import publish_version, retire_policy
from portal.accounts.models import User
from portal.kernel.clock import now
from portal.ledger.actors import SYSTEM

BATCH = 50


def publish_approved(request_id: UUID) -> bool:
    """Do what the request was approved for, once; whether it was done by this call."""
    request = Request.whole(request_id)
    if request.status != Status.APPROVED or request.policy_version is None:
        return False
    policies = policies_on(request)
    facts = fresh_facts(request, policies)
    with transaction.atomic():
        outcome = give_permit(request, SYSTEM, policies, facts)
        if not isinstance(outcome, Permit):
            return False
        _carry_out(outcome.request, request.policy_version)
        move_permit(outcome, PermitStatus.RUNNING, SYSTEM, started_at=now(), heartbeat_at=now())
        move_permit(outcome, PermitStatus.SUCCEEDED, SYSTEM, finished_at=now())
        wake("approvals.rejudge", str(request.policy_version.policy_id))
    return True


def approved_publications() -> list[UUID]:
    """Approved requests about policies that nobody has carried out yet."""
    approved = Request.objects.filter(status=Status.APPROVED, policy_version__isnull=False)
    return list(approved.values_list("pk", flat=True)[:BATCH])


def _carry_out(request: Request, version: PolicyVersion) -> None:
    by = _approver(request)
    if request.action == "publish":
        publish_version(by=by, version=version)
    else:
        retire_policy(by=by, policy=version.policy)


def _approver(request: Request) -> User:
    """Whose approval completed it: that person answers for the version in force."""
    decisions = Decision.on(request)
    return counting_approvals(request, decisions)[-1].person
