"""A workload token, once, for a run token: what the calls of that run attempt are made with."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from portal.accounts.authentication import KIND
from portal.accounts.models import ProjectToken
from portal.accounts.trusts.keys import believed_claims
from portal.accounts.trusts.match import Run, checks, refused_by, run_of
from portal.accounts.trusts.models import Trust
from portal.accounts.trusts.presets import PRESETS
from portal.accounts.trusts.verify import NotAccepted, issuer_of, proof_of
from portal.kernel.bearer import new_bearer
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Unauthenticated, Unavailable
from portal.ledger.actors import service_actor
from portal.ledger.record import record

log = logging.getLogger(__name__)

SCOPES = ["request"]
LIFETIME = timedelta(hours=6)
LONGEST = timedelta(days=1)


@dataclass(frozen=True)
class Accepted:
    """What a trust says of a token that it accepts."""

    trust: Trust
    run: Run
    proof: str
    expires_at: datetime


def exchange_token(*, project: str, token: str) -> tuple[ProjectToken, str]:
    """The run token and its secret, for a workload token that a trust of the project accepts.

    The workload token counts once. Raises Unauthenticated (`untrusted`, `token-expired`,
    `token-used`) and Unavailable while the issuer's keys cannot be read.
    """
    try:
        issuer = issuer_of(token)
    except NotAccepted as refusal:
        raise Unauthenticated(refusal.sentence, code=refusal.code) from None
    trusts = trusts_in_use(project).filter(issuer=issuer)
    return _issue(_first(list(trusts), lambda trust: accept(trust, token), project))


def trusts_in_use(slug: str) -> Any:
    """The trusts by which something can be accepted now, the oldest first."""
    return Trust.objects.select_related("project", "account__project").filter(
        project__slug=slug,
        project__archived_at=None,
        account__is_active=True,
        archived_at=None,
    )


def accept(trust: Trust, token: str) -> Accepted:
    """Hold the token against one trust; nothing is used up. Raises NotAccepted, Unavailable."""
    claims = believed_claims(trust, token)
    failed = refused_by(checks(trust.rule, claims))
    if failed is not None:
        raise NotAccepted(f"its {failed.what} is not what the trust “{trust}” accepts")
    run = run_of(trust.rule, claims)
    if run is None:
        raise NotAccepted("it names no run")
    proof = proof_of(token, claims, needs_id=PRESETS[trust.preset].once)
    ends = datetime.fromtimestamp(min(int(claims["exp"]), 2**33), UTC)
    moment = now()
    return Accepted(trust, run, proof, min(max(ends, moment + LIFETIME), moment + LONGEST))


def _first(trusts: list[Trust], held: Callable[[Trust], Accepted], project: str) -> Accepted:
    """The first acceptance; without one, why not, in words that tell nothing of the token."""
    refusals: list[NotAccepted] = []
    away: Unavailable | None = None
    for trust in trusts:
        try:
            return held(trust)
        except NotAccepted as refusal:
            refusals.append(refusal)
        except Unavailable as refusal:
            away = refusal
    if away is not None:
        raise away
    if not refusals:
        raise Unauthenticated(
            f"No trust of a project “{project}” is for the issuer of this token.", code="untrusted"
        )
    log.info("workload token refused for %s: %s", project, refusals[0].sentence)
    sentences = list(dict.fromkeys(refusal.sentence for refusal in refusals))
    raise Unauthenticated(
        f"This workload token is not accepted: {'; '.join(sentences[:3])}. A maintainer of the "
        "project sees more when testing a token.",
        code=refusals[0].code,
    )


@transaction.atomic
def _issue(accepted: Accepted) -> tuple[ProjectToken, str]:
    """The run token, once for each proof. Raises Unauthenticated."""
    # Locked, so that nobody archives it between this look and the token.
    trust = Trust.objects.select_for_update(of=("self",)).get(pk=accepted.trust.pk)
    if trust.archived_at is not None:
        raise Unauthenticated("The trust was archived just now.", code="untrusted")
    bearer = new_bearer(KIND)
    try:
        with transaction.atomic():
            token = ProjectToken.objects.create(
                account=accepted.trust.account,
                prefix=bearer.prefix,
                secret_hash=bearer.hash,
                scopes=SCOPES,
                created_by_id=trust.created_by_id,
                expires_at=accepted.expires_at,
                trust=trust,
                run_id=accepted.run.id,
                run_attempt=accepted.run.attempt,
                proof=accepted.proof,
            )
    except IntegrityError:
        raise Unauthenticated(
            "This workload token was used already. Ask the CI system for a new one.",
            code="token-used",
        ) from None
    token.environments.set(trust.environments.all())
    Trust.objects.filter(pk=trust.pk).update(last_used_at=now())
    _record(token)
    return token, bearer.secret


def _record(token: ProjectToken) -> None:
    record(
        "workload.accepted",
        actor=service_actor(token.account, authn="workload"),
        project=token.account.project_id,
        object={
            "kind": "trust",
            "id": str(token.trust_id),
            "token": token.prefix,
            "run": token.run_id,
            "attempt": token.run_attempt,
            "expires_at": rfc3339(token.expires_at),
        },
    )
