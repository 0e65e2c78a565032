"""A pipeline asks: one transaction from the POST to the verdict, where the facts are at hand."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connection, transaction

from approvals.context.collect import (
    Asked,
    being_read,
    facts_at_hand,
    question_about,
    remote_sources,
    without_source,
)
from approvals.context.plans import Plan
from approvals.context.registry import SOURCES
from approvals.context.source import Question
from approvals.lifecycle.announce import wake
from approvals.lifecycle.evaluate import judge
from approvals.lifecycle.transition import Change
from approvals.models import Reading, Request
from approvals.states import WAITING, Status
from policies.language.facts import Facts, FactState, FactValueError, check_value
from policies.language.schema import CURRENT_SCHEMA, SCHEMAS
from policies.queries import policies_in_force
from portal.accounts.authentication import (
    actor_of,
    require_environment,
    require_run,
    require_scope,
)
from portal.accounts.models import ProjectToken
from portal.directory.models import Environment
from portal.kernel.canonical import JSON, canonical, commitment, digest_of, sha256_digest
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.ids import new_id
from portal.kernel.joined import Joined

# Groups of facts that a pipeline knows as well as its forge does, and might try to say itself.
FORGE = frozenset({"ci", "pr", "deployment"})


@dataclass(frozen=True)
class Submission:
    """What a pipeline sends. Already checked for form; not yet for sense."""

    project: str
    environment: str
    action: str
    subject: dict[str, str]
    run: dict[str, Any]
    reason: str = ""
    labels: list[str] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    plan: Plan | None = None

    def body_digest(self) -> str:
        """Digest of the whole body, to tell a repetition from another request."""
        return digest_of(
            {
                "project": self.project,
                "environment": self.environment,
                "action": self.action,
                "subject": self.subject,
                "run": self.run,
                "reason": self.reason,
                "labels": self.labels,
                "claims": _claims_json(self.claims),
                # Its digest is in the subject.
                **({"plan": True} if self.plan else {}),
            }
        )


class IdempotencyMismatch(Conflict):
    """The key was used before for another body."""

    code = "idempotency-mismatch"


class PlanMismatch(Invalid):
    """The plan that came with a request is not the one its subject names."""

    code = "plan-mismatch"


def submit_request(
    *, token: ProjectToken, submission: Submission, idempotency_key: str
) -> tuple[Request, bool]:
    """Persist the request and give its verdict if the facts at hand settle it.

    Returns the request and whether it is new: the same key and body again is the same request.
    Raises Forbidden, NotFound, Invalid, PlanMismatch, IdempotencyMismatch, NoEligibleApprover.
    """
    require_scope(token, "request")
    require_run(token, submission.run["id"], submission.run["attempt"])
    check_claims(submission.claims)  # before the digest: what is no fact may have none
    _check_plan(submission)
    body_digest = submission.body_digest()
    existing = _existing(token, idempotency_key, body_digest)
    if existing is not None:
        return existing, False
    try:
        with transaction.atomic():
            return _submit(token, submission, idempotency_key, body_digest), True
    except IntegrityError:
        again = _existing(token, idempotency_key, body_digest)
        if again is None:
            raise
        return again, False


_KNOWN = """
SELECT one.id, one.body_digest, one.environment_id, token.trust_id FROM approvals_request AS one
JOIN portal_projecttoken AS token ON token.id = one.token_id
WHERE one.account_id = %s AND one.idempotency_key = %s
"""


def _existing(token: ProjectToken, key: str, body_digest: str) -> Request | None:
    # Nearly always none, so the question is cheap and only a repetition loads the whole row.
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [token.account_id, key])
        known = cursor.fetchone()
    if known is None:
        return None
    request_id, known_digest, environment_id, trust_id = known
    require_environment(token, environment_id)
    if known_digest != body_digest or trust_id != token.trust_id:
        raise IdempotencyMismatch(
            "This Idempotency-Key was used for another request. Use a new key for a new request."
        )
    return Request.whole(request_id)


def _submit(token: ProjectToken, submission: Submission, key: str, body_digest: str) -> Request:
    environment = _environment(token, submission)
    request = _new_request(token, environment, submission, key, body_digest)
    policies = policies_in_force(submission.project, submission.environment, submission.action)
    question = question_about(request, request.created_at)
    sources = remote_sources(question)
    request.pinned = [pinned.id for pinned in policies]
    request.save(force_insert=True)
    change = Change(request, actor_of(token))
    change.note(
        "request.submitted",
        subject=[{"name": name, "digest": value} for name, value in request.subject.items()],
        reason_commit=commitment(bytes(request.reason_salt), request.reason),
    )
    facts = Facts(_first_facts(question, sources))
    judge(change, policies, facts, fresh=True)
    change.save()
    if sources and Status(request.status) in WAITING:
        _want(request, sources)
    return request


_ENVIRONMENTS = Joined(Environment)


def _environment(token: ProjectToken, submission: Submission) -> Environment:
    project = token.account.project
    found = None
    if submission.project == project.slug:
        found = _ENVIRONMENTS.first(
            "one.project_id = %s AND one.name = %s AND one.archived_at IS NULL",
            [project.pk, submission.environment],
        )
    if found is None:
        raise NotFound(
            f"This token knows no environment “{submission.environment}” of a project "
            f"“{submission.project}”. Check both names, and whose token this is."
        )
    require_environment(token, found.pk)
    found.project = project
    return found


def _new_request(
    token: ProjectToken, environment: Environment, submission: Submission, key: str, digest: str
) -> Request:
    salt = secrets.token_bytes(16)
    request_id = new_id()
    payload = canonical(_payload(str(request_id), token, environment, submission, salt))
    return Request(
        id=request_id,
        project=environment.project,
        environment=environment,
        account=token.account,
        token=token,
        owner_id=token.account.owner_id,
        action=submission.action,
        subject=submission.subject,
        run=submission.run,
        labels=submission.labels,
        claims=submission.claims,
        reason=submission.reason,
        reason_salt=salt,
        payload=payload,
        digest=sha256_digest(payload),
        body_digest=digest,
        idempotency_key=key,
        created_at=now(),
    )


def _payload(
    request_id: str,
    token: ProjectToken,
    environment: Environment,
    submission: Submission,
    salt: bytes,
) -> dict[str, JSON]:
    """What the digest covers: who asks for what, where. People's words go in as commitments."""
    return {
        "v": 1,
        "id": request_id,
        "project": {"id": str(environment.project_id), "name": submission.project},
        "environment": {"id": str(environment.pk), "name": environment.name},
        "account": str(token.account.actor_ref),
        "action": submission.action,
        "subject": dict(submission.subject),
        "run": _run_json(submission.run, salt),
        "labels": list(submission.labels),
        "claims": _claims_json(submission.claims),
        **({"plan": submission.plan.to_json()} if submission.plan else {}),
        "reason_commit": commitment(salt, submission.reason),
    }


def _run_json(run: Mapping[str, Any], salt: bytes) -> dict[str, JSON]:
    """The run, who started it by a commitment: a name that must be erasable."""
    rest = {name: part for name, part in run.items() if name != "actor"}
    return {**rest, "actor_commit": commitment(salt, str(run["actor"]))} if "actor" in run else rest


def _claims_json(claims: Mapping[str, Any]) -> dict[str, JSON]:
    """Claims without floats: canonical JSON has none."""
    return {k: {"double": repr(v)} if isinstance(v, float) else v for k, v in claims.items()}


def _first_facts(question: Question, sources: list[Asked]) -> dict[str, FactState]:
    states: dict[str, FactState] = {**facts_at_hand(question), **without_source(question)}
    for source in sources:
        states.update(being_read(source))
    return states


def check_claims(claims: Mapping[str, Any]) -> None:
    """Only declared claims of the right type come in. Raises Invalid naming each bad one."""
    known = {fact.name: fact for fact in SOURCES["claims"].fact_types()}
    problems = []
    for name, value in claims.items():
        if name not in known:
            problems.append((name, f"{_no_claim(name)}; known: {', '.join(known)}"))
            continue
        try:
            check_value(known[name], value)
        except FactValueError as error:
            problems.append((name, error.sentence))
    if problems:
        raise Invalid(
            f"The claim {problems[0][0]} {problems[0][1]}.",
            errors=[{"field": f"claims.{name}", "message": text} for name, text in problems],
        )


def _check_plan(submission: Submission) -> None:
    """The plan that came is the one that is asked for. Raises PlanMismatch."""
    plan, named = submission.plan, submission.subject.get("plan", "")
    if plan is None or plan.digest == named:
        return
    message = f"must be the digest of plan_json, {plan.digest}"
    raise PlanMismatch(
        f"subject.plan {message}. Did you plan again after the digest was made?",
        errors=[{"field": "subject.plan", "message": message}],
    )


def _no_claim(name: str) -> str:
    """Why it may not be claimed, as the rest of a sentence that begins with its name."""
    fact = SCHEMAS[CURRENT_SCHEMA].get(name)
    if fact is None or fact.claimed:
        return "is no fact a pipeline may claim"
    teller = "a connected forge tells this" if fact.group in FORGE else "the portal finds it out"
    return f"is not for the pipeline to say: {teller}"


def _want(request: Request, sources: list[Asked]) -> None:
    Reading.objects.bulk_create(
        [Reading(request=request, source=s.key, next_try=request.created_at) for s in sources]
    )
    for source in sources:
        wake("approvals.read_source", str(request.id), source.key)
