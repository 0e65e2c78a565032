"""A person asks that a policy version be published or retired: a request like any other."""

import secrets
from typing import Literal

from django.db import transaction

from approvals.context.backtested import backtest_seen
from approvals.context.collect import facts_at_hand, question_about, without_source
from approvals.lifecycle.evaluate import judge, target_of
from approvals.lifecycle.transition import Change
from approvals.models import Request
from approvals.queries.rows import open_about
from policies.governance import ENVIRONMENT, PUBLISHERS
from policies.language.facts import Facts
from policies.models import Policy, PolicyVersion
from policies.publishing import check_proposal, require_proposal
from policies.queries import policies_in_force
from portal.accounts.models import User
from portal.directory.models import Environment
from portal.directory.own_place import own_environment
from portal.kernel.canonical import canonical, commitment, sha256_digest
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.ids import new_id
from portal.kernel.text import text_problem
from portal.ledger.actors import person_actor

Move = Literal["publish", "retire"]
MAX_REASON_BYTES = 4096


class NotBacktested(Conflict):
    """The effect of the version was not looked at yet."""

    code = "not-backtested"


@transaction.atomic
def propose(*, by: User, version: PolicyVersion, move: Move, reason: str = "") -> Request:
    """Ask that `version` come into force, or go out of it.

    Raises Forbidden, InvalidPolicy (failing tests, groups without members), Conflict (in force
    already, not in force, asked already), NotBacktested, Invalid, NoEligibleApprover.
    """
    problem = text_problem(reason, multiline=True)
    if problem or len(reason.encode()) > MAX_REASON_BYTES:
        raise Invalid(f"The reason {problem or 'is too long; shorten it'}.")
    # The policy's row is the lock: two who ask at once make one request.
    Policy.objects.select_for_update().values_list("pk").get(pk=version.policy_id)
    version = PolicyVersion.objects.select_related("policy__in_force").get(pk=version.pk)
    require_proposal(by, version)
    if move == "publish":
        check_proposal(version)
    _refuse_moot(version, move)
    if move == "publish" and not backtest_seen(version):
        raise NotBacktested(
            "Nobody has read a backtest of this version. Run one, look at what it would have "
            "changed, press “I looked at this”, then ask again."
        )
    request = _new_request(by, version, move, reason)
    policies = policies_in_force(*target_of(request))
    request.pinned = [pinned.id for pinned in policies]
    request.save(force_insert=True)
    change = Change(request, person_actor(by))
    change.note(
        "request.submitted",
        subject=[{"name": "document", "digest": version.digest}],
        reason_commit=commitment(bytes(request.reason_salt), reason),
    )
    question = question_about(request, request.created_at)
    judge(
        change,
        policies,
        Facts({**facts_at_hand(question), **without_source(question)}),
        fresh=True,
    )
    change.save()
    return request


def _refuse_moot(version: PolicyVersion, move: Move) -> None:
    in_force = version.policy.in_force_id == version.pk
    if move == "publish" and in_force:
        raise Conflict("This version is in force already.", code="in-force")
    if move == "retire" and not in_force:
        raise Conflict("Only the version in force can be retired.", code="not-in-force")
    asked = open_about(version.policy)
    if asked is not None:
        raise Conflict(
            f"{asked} is about this policy and still open. Decide on it or withdraw it first.",
            code="asked-already",
        )


def _new_request(by: User, version: PolicyVersion, move: Move, reason: str) -> Request:
    environment = own_environment(ENVIRONMENT, PUBLISHERS)
    salt, request_id = secrets.token_bytes(16), new_id()
    run = {"id": str(request_id), "attempt": 1, "system": "portal", "pipeline": move}
    subject = {"document": version.digest}
    payload = canonical(
        {
            "v": 1,
            "id": str(request_id),
            **_place(environment),
            "person": str(by.actor_ref),
            "policy": {"name": version.policy.name, "version": version.number},
            "action": move,
            "subject": dict(subject),
            "run": run,
            "reason_commit": commitment(salt, reason),
        }
    )
    return Request(
        id=request_id,
        project=environment.project,
        environment=environment,
        owner=by,
        policy_version=version,
        action=move,
        subject=subject,
        run=run,
        reason=reason,
        reason_salt=salt,
        payload=payload,
        digest=sha256_digest(payload),
        body_digest=sha256_digest(payload),
        idempotency_key=str(request_id),
        created_at=now(),
    )


def _place(environment: Environment) -> dict[str, dict[str, str]]:
    project = environment.project
    return {
        "project": {"id": str(project.pk), "name": project.slug},
        "environment": {"id": str(environment.pk), "name": environment.name},
    }
