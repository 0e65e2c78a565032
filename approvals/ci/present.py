"""A request as the API shows it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings

from approvals.backtest.small import SmallResult
from approvals.lifecycle.redeem import HEARTBEAT_SECONDS
from approvals.models import Decision, Permit, Request
from approvals.queries import decision_lines, named_drift, summary, waiting_for
from approvals.states import Status
from policies.language.schema import SCHEMAS
from policies.simulation import Change
from portal.kernel.clock import rfc3339


def present_request(request: Request, *, new: bool = False) -> dict[str, Any]:
    """The body of every answer about a request (three queries at most).

    `new`: made by this very call, so nobody has decided on it yet.
    """
    decisions = [] if new else Decision.on(request)
    wanted = waiting_for(request, decisions)
    redeemed = request.status == Status.REDEEMED
    permit = Permit.objects.filter(request=request).first() if redeemed else None
    return {
        "id": str(request.id),
        "number": request.number,
        "status": str(request.status),
        "version": request.version,
        "round": request.round,
        "digest": request.digest,
        "url": settings.PUBLIC_URL + request.get_absolute_url(),
        "project": request.project.slug,
        "environment": request.environment.name,
        "action": request.action,
        "subject": request.subject,
        "run": request.run,
        "created_at": rfc3339(request.created_at),
        "decide_by": rfc3339(request.decide_by) if request.decide_by else None,
        "use_by": rfc3339(request.use_by) if request.use_by else None,
        "summary": summary(request, wanted, permit),
        "verdict": present_verdict(request.verdict.body) if request.verdict else None,
        "waiting_for": [
            {
                "policy": w.policy,
                "rule": w.rule,
                "groups": list(w.groups),
                "waits_for": list(w.waits_for),
                "needed": w.needed,
                "given": w.given,
            }
            for w in wanted
        ],
        "decisions": [
            {
                "person": line.person,
                "on_behalf_of": line.behalf or None,
                "outcome": line.outcome,
                "comment": line.comment,
                "at": rfc3339(line.at),
                "counts": line.counts,
                "round": line.round,
            }
            for line in decision_lines(request, decisions, wanted, permit)
        ],
        "drift": named_drift(request.drift),
        "permit": present_permit(permit) if permit else None,
    }


def present_verdict(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a verdict says, from its stored form."""
    return {
        "outcome": body["outcome"],
        "explanation": [
            *(rule["sentence"] for rule in body["explanation"]),
            *([body["extra"]["sentence"]] if "extra" in body else []),
        ],
        "rules": [
            {
                "policy": rule["policy"],
                "version": rule["version"],
                "rule": rule["rule"],
                "effect": rule["effect"],
                "level": rule["level"],
                "result": rule["result"],
                "sentence": rule["sentence"],
                "remedy": rule["remedy"],
            }
            for rule in body["explanation"]
        ],
        "risk": body["risk"] or None,
        "policies": [
            {"policy": p["policy"], "version": p["version"], "digest": p["digest"]}
            for p in body["policies"]
        ],
    }


def present_permit(permit: Permit) -> dict[str, Any]:
    """A permit as the API shows it."""
    return {
        "id": str(permit.id),
        "status": str(permit.status),
        "issued_at": rfc3339(permit.issued_at),
        "expires_at": rfc3339(permit.expires_at),
        "heartbeat_seconds": HEARTBEAT_SECONDS,
    }


def present_redeemed(permit: Permit) -> dict[str, Any]:
    """The answer to redeem: permit, receipt and its twin."""
    return {
        "permit": present_permit(permit),
        "receipt": permit.receipt,
        "simple_result": permit.simple_result,
    }


def present_facts(schema: str) -> dict[str, Any]:
    """A fact schema, in its own order. Raises KeyError for an unknown one."""
    declared = SCHEMAS[schema]
    return {
        "version": schema,
        "facts": [
            {
                "name": fact.name,
                "kind": fact.kind,
                "provenance": fact.provenance,
                "group": fact.group,
                "meaning": fact.description,
                "unit": fact.unit,
                "enumeration": list(fact.enumeration),
                "example": fact.example,
            }
            for fact in declared.values()
        ],
        "families": [
            {
                "name": family.name,
                "kind": family.kind,
                "meaning": family.description,
                "example": family.example,
            }
            for family in declared.families.values()
        ],
    }


def present_backtest(found: SmallResult) -> dict[str, Any]:
    """A small backtest as the API shows it; changed verdicts first, looser ones before others."""
    totals = found.totals
    changes = sorted((Change.read(text), count) for text, count in totals.changes.items())
    changed = sorted(found.changed, key=lambda one: (not one[1].loosens, one[0]))
    return {
        "replayed": totals.requests,
        "touched": totals.touched,
        "people_then": totals.people_then,
        "people_now": totals.people_now,
        "changes": [{**asdict(change), "count": count} for change, count in changes],
        "changed": [
            {
                "request": str(request),
                "url": f"{settings.PUBLIC_URL}/requests/{request}",
                **asdict(change),
                "looser": change.loosens,
                "people_then": then,
                "people_now": now,
                "unsure": unsure,
            }
            for request, change, (then, now), unsure in changed
        ],
        "rules": [
            {"rule": rule, "applies": applies, "cannot_tell": cannot}
            for rule, (applies, cannot) in found.rules.items()
        ],
        "missing": dict(totals.missing),
    }
