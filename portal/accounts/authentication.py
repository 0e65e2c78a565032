"""Project tokens: issuing, recognising and revoking them.

A token reads `cst_<prefix>_<secret>`. The prefix finds the row and may be shown; of the whole only
its SHA-256 is stored. Run tokens are rows of the same kind, which workloads get for their own
token (trusts/exchange.py) and which are good for one run attempt.
"""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from portal.access import Capability, require
from portal.accounts.models import ProjectToken, ServiceAccount
from portal.kernel.bearer import is_bearer, new_bearer, prefix_of
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Conflict, Forbidden, Unauthenticated
from portal.kernel.joined import Joined
from portal.kernel.validation import invalid
from portal.ledger.actors import Actor, person_actor, service_actor
from portal.ledger.change import change
from portal.ledger.record import record

# What a scope lets a token do.
SCOPES = {
    "request": "submit, wait, redeem, finish and withdraw",
    "read": "read requests of the project, check policy documents",
    "admit": "ask for a cluster whether an image may run",
}
DEFAULT_LIFETIME = timedelta(days=90)
MAX_LIFETIME = timedelta(days=365)
USE_NOTED_EVERY = timedelta(minutes=1)

_TOKENS = Joined(
    ProjectToken,
    "account",
    "account__project",
    environment_ids="ARRAY(SELECT environment_id FROM portal_projecttoken_environments"
    " WHERE projecttoken_id = one.id)",
)
KIND = "cst"
_JWT = re.compile(r"ey[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)


def _check_wishes(
    account: ServiceAccount,
    scopes: Collection[str],
    environments: Collection[Any],
    expires_at: datetime,
) -> None:
    if not scopes or not set(scopes) <= set(SCOPES):
        raise invalid("scopes", f"Choose among the scopes {', '.join(SCOPES)}; at least one.")
    if any(e.project_id != account.project_id or e.archived_at for e in environments):
        raise invalid("environments", "Choose environments of this project that are not archived.")
    # A minute more, so that “a year from now” typed into a form is still within the year.
    if not now() < expires_at <= now() + MAX_LIFETIME + timedelta(minutes=1):
        raise invalid("expires_at", "Choose a time in the future, at most one year from now.")


@transaction.atomic
def issue_token(
    *,
    by: Any,
    account: ServiceAccount,
    scopes: Collection[str],
    environments: Collection[Any] = (),
    expires_at: datetime | None = None,
) -> tuple[ProjectToken, str]:
    """A new token of `account` and its secret, which nobody can read again.

    No environments means all of the project. Default lifetime 90 days, at most a year. Maintainers
    of the project may. Raises Forbidden, Invalid, Conflict for an account or project out of use.
    """
    require(by, Capability.MAINTAIN, account.project)
    account = ServiceAccount.objects.select_for_update(of=("self",)).select_related("project").get(
        pk=account.pk
    )  # fmt: skip
    if not account.is_active or account.project.archived_at:
        raise Conflict("This service account is out of use.", code="inactive-account")
    expires_at = expires_at or now() + DEFAULT_LIFETIME
    _check_wishes(account, scopes, environments, expires_at)
    bearer = new_bearer(KIND)
    token = ProjectToken.objects.create(
        account=account,
        prefix=bearer.prefix,
        secret_hash=bearer.hash,
        scopes=sorted(set(scopes)),
        created_by=by,
        expires_at=expires_at,
    )
    token.environments.set(environments)
    after = {
        "scopes": token.scopes,
        "environments": sorted(e.name for e in environments),
        "expires_at": rfc3339(expires_at),
    }
    _record("token.created", by, token, change=change({}, after))
    return token, bearer.secret


def _record(event: str, by: Any, token: ProjectToken, **parts: Any) -> None:
    record(
        event,
        actor=person_actor(by),
        project=token.account.project_id,
        object={
            "kind": "token",
            "id": str(token.pk),
            "prefix": token.prefix,
            "account": str(token.account.actor_ref),
        },
        **parts,
    )


@transaction.atomic
def revoke_token(*, by: Any, token: ProjectToken) -> ProjectToken:
    """The token is refused from now on; again changes nothing. Maintainers may."""
    require(by, Capability.MAINTAIN, token.account.project)
    revoked = ProjectToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now())
    token.refresh_from_db(fields=["revoked_at"])
    if revoked:
        _record("token.revoked", by, token)
    return token


def _refuse(sentence: str, code: str = "unauthenticated") -> NoReturn:
    raise Unauthenticated(sentence, code=code)


def authenticate_token(secret: str) -> ProjectToken:
    """The usable token behind `secret`, with account, project and `environment_ids` loaded.

    One query. Raises Unauthenticated: `token-expired` for one that is over, `unauthenticated` for
    everything else.
    """
    prefix = prefix_of(KIND, secret)
    if prefix is None and _JWT.fullmatch(secret):
        _refuse("This is a workload token. Get a run token for it with POST /api/v1/token first.")
    if prefix is None:
        _refuse("This is not a project token. Send “Authorization: Bearer cst_…”.")
    token = _TOKENS.first("one.prefix = %s", [prefix])
    if token is None or not is_bearer(secret, bytes(token.secret_hash)):
        _refuse("This project token is not known here. Ask a maintainer for a new one.")
    if token.revoked_at:
        _refuse(f"This {_kind(token)} token was revoked. Ask a maintainer for a new one.")
    if not token.account.is_active or token.account.project.archived_at:
        _refuse("The service account or the project of this token is out of use.")
    moment = now()
    if token.expires_at <= moment:
        more = "Get another for a new workload token" if token.trust_id else "Ask a maintainer"
        _refuse(f"This {_kind(token)} token has expired. {more}.", "token-expired")
    _note_use(token, moment)
    return token


def _kind(token: ProjectToken) -> str:
    return "run" if token.trust_id else "project"


def _note_use(token: ProjectToken, moment: datetime) -> None:
    """Once a minute is enough to find unused tokens, and spares a write for every poll."""
    limit = moment - USE_NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > limit:
        return
    ProjectToken.objects.filter(
        Q(last_used_at=None) | Q(last_used_at__lte=limit), pk=token.pk
    ).update(last_used_at=moment)
    token.last_used_at = moment


def require_scope(token: ProjectToken, scope: str) -> None:
    """Raise Forbidden unless the token carries `scope`."""
    if scope not in token.scopes:
        raise Forbidden(
            f"This token lacks the scope “{scope}” ({SCOPES[scope]}). Issue one that has it.",
            code="missing-scope",
        )


def actor_of(token: ProjectToken) -> Actor:
    """Who acts with it, and how that was proven."""
    return service_actor(token.account, authn="workload" if token.trust_id else "token")


def require_run(token: ProjectToken, run_id: str, run_attempt: int) -> None:
    """Raise Forbidden when the token is another run attempt's."""
    if token.trust_id and (token.run_id, token.run_attempt) != (run_id, run_attempt):
        raise Forbidden(
            f"This token is of the run {token.run_id}, attempt {token.run_attempt}. Send that as "
            "`run`, or get a token for the other run.",
            code="another-run",
        )


def require_environment(token: ProjectToken, environment_id: UUID) -> None:
    """Raise Forbidden when the token is limited to other environments."""
    allowed = getattr(token, "environment_ids", None)
    if allowed is None:
        allowed = list(token.environments.values_list("pk", flat=True))
    if allowed and environment_id not in allowed:
        raise Forbidden(
            "This token may not ask for this environment. Issue one that includes it.",
            code="foreign-environment",
        )
