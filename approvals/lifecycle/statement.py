"""What is signed about a permit: our predicate, and its twin for who knows only the common one."""

import secrets
from typing import Any
from uuid import UUID

from django.conf import settings

from approvals.lifecycle.evaluate import policy_refs, tallies
from approvals.models import Decision, Permit, Request
from policies.language.verdict import Verdict as Judgement
from portal.kernel.clock import rfc3339

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
APPROVAL = "https://countersign.dev/approval/v0.1"
SIMPLE_RESULT = "https://in-toto.io/attestation/svr/v0.1"


def approval(request: Request, permit: Permit, judgement: Judgement) -> dict[str, Any]:
    """The statement that this permit was given, on whose approvals, by which policies."""
    return _statement(
        request,
        APPROVAL,
        {
            "decision": "approved",
            "permit": str(permit.id),
            "request": {"id": str(request.id), "digest": request.digest, "round": request.round},
            "run": {"id": request.run["id"], "attempt": request.run["attempt"]},
            "project": request.project.slug,
            "environment": request.environment.name,
            "action": request.action,
            "approvers": [_approver(decision) for decision in _counting(request)],
            "policies": policy_refs(judgement),
            "snapshot": request.snapshot.digest if request.snapshot else None,
            "notBefore": rfc3339(permit.issued_at),
            "expiresAt": rfc3339(permit.expires_at),
            "maxUses": 1,
            "nonce": secrets.token_hex(16),
        },
    )


def simple_result(request: Request, permit: Permit, judgement: Judgement) -> dict[str, Any]:
    """The same as a Simple Verification Result: what holds, in words other verifiers can match.

    It leaves out who, which run and until when: those are in the receipt alone.
    """
    place = f"{request.project.slug}/{request.environment.name}/{request.action}"
    people = "PEOPLE" if _counting(request) else "POLICY"
    return _statement(
        request,
        SIMPLE_RESULT,
        {
            "verifier": {
                "id": f"{settings.PUBLIC_URL}/approval/v0.1",
                "policies": policy_refs(judgement),
                "permit": str(permit.id),
            },
            "timeCreated": rfc3339(permit.issued_at),
            "properties": [
                "COUNTERSIGN_APPROVED",
                f"COUNTERSIGN_APPROVED_BY_{people}",
                f"COUNTERSIGN_APPROVED_FOR_{place}",
            ],
        },
    )


def _approver(decision: Decision) -> dict[str, str]:
    found = {
        "ref": str(decision.person.actor_ref),
        "role": "approver",
        "at": rfc3339(decision.decided_at),
        "authn": decision.authn,
        **_second_factor(decision),
        "meaning": "I looked at these facts and this action may run once",
    }
    if decision.delegation is not None:
        found["onBehalfOf"] = str(decision.delegation.delegator.actor_ref)
    return found


def _statement(request: Request, kind: str, predicate: dict[str, Any]) -> dict[str, Any]:
    return {
        "_type": STATEMENT_TYPE,
        "subject": _subjects(request.subject),
        "predicateType": kind,
        "predicate": predicate,
    }


def _counting(request: Request) -> list[Decision]:
    """The approvals that fill what is asked now: extra ones and those that fell are none."""
    people = {UUID(person) for found in tallies(request) for person in found.people}
    given = request.decisions.filter(round=request.round, person_id__in=people)
    return list(given.select_related("person", "delegation__delegator").order_by("decided_at"))


def _second_factor(decision: Decision) -> dict[str, str]:
    at = decision.stepped_up_at
    return {"secondFactorAt": rfc3339(at)} if at else {}


def _subjects(subject: dict[str, str]) -> list[dict[str, Any]]:
    """The request's subject as in-toto resource descriptors."""
    found: list[dict[str, Any]] = []
    if subject.get("commit"):
        found.append({"name": "commit", "digest": {"gitCommit": subject["commit"]}})
    for name in ("artifact", "plan", "document"):
        if subject.get(name):
            algorithm, _, value = subject[name].partition(":")
            found.append({"name": name, "digest": {algorithm: value}})
    return found
