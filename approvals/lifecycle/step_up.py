"""A person shows a second factor, in order to decide once on what is on the screen.

Nothing is decided by it. Afterwards the person decides, in the same session and within the time
that the policy's `step_up` says.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.db import transaction

from approvals.asked import step_up_age
from approvals.lifecycle.on_screen import shown
from approvals.lifecycle.transition import Change, locked
from approvals.models import Request, Snapshot, StepUp
from approvals.permissions import why_not
from approvals.queries import load_request, require_sight
from portal.accounts.models import User
from portal.accounts.second_factors import Shown, show_code, show_passkey
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden
from portal.ledger.actors import person_actor, signed_in_by
from portal.ledger.models import Entry

CHALLENGE_SECONDS = 300
MOST_FAILURES = 5
FAILURES_WITHIN = timedelta(minutes=5)
_SALT = "countersign.step-up"


@dataclass(frozen=True)
class Occasion:
    """What a second factor is shown for: `snapshot` is the digest of the facts on the screen,
    `session` a digest of the session."""

    request: UUID
    snapshot: str
    session: str


def open_to_confirm(by: User, occasion: Occasion) -> Request:
    """The request, where this person may confirm for it now. Raises as `confirm_by`."""
    request = load_request(by, occasion.request)
    _to_confirm(by, request, occasion.snapshot)
    return request


def new_challenge(by: User, occasion: Occasion) -> str:
    """A signed text for one passkey to sign the digest of; it names everything it is bound to."""
    return signing.dumps({**bound_to(by, occasion), "nonce": secrets.token_hex(16)}, salt=_SALT)


def challenge_bytes(challenge: str) -> bytes:
    """What the passkey signs."""
    return hashlib.sha256(challenge.encode()).digest()


def confirm_with_passkey(
    *, by: User, occasion: Occasion, challenge: str, credential: str
) -> StepUp:
    """`credential`: the browser's answer to the challenge, as JSON. Raises as `confirm_by`."""

    def show() -> Shown | None:
        if not _is_ours(by, occasion, challenge):
            return None
        return show_passkey(by, challenge_bytes(challenge), credential)

    wrong = "The passkey was not accepted, or the page is too old. Try again."
    return confirm_by(by, occasion, StepUp.Method.PASSKEY, show, wrong)


def confirm_with_code(*, by: User, occasion: Occasion, code: str) -> StepUp:
    """`code` of the authenticator app. Raises as `confirm_by`."""
    wrong = "This code is not right, or was used already. Wait for the next one."
    return confirm_by(by, occasion, StepUp.Method.TOTP, lambda: show_code(by, code), wrong)


def bound_to(by: User, occasion: Occasion) -> dict[str, str]:
    """All that a proof is asked for, as text."""
    return {"person": str(by.pk), **{name: str(v) for name, v in asdict(occasion).items()}}


def _is_ours(by: User, occasion: Occasion, challenge: str) -> bool:
    """Whether we gave this challenge a moment ago, for this very occasion."""
    try:
        told = signing.loads(challenge, salt=_SALT, max_age=CHALLENGE_SECONDS)
    except signing.BadSignature:
        return False
    return all(told[name] == value for name, value in bound_to(by, occasion).items())


def _to_confirm(by: User, request: Request, digest: str) -> Snapshot:
    """The snapshot to confirm on: everything that deciding asks for, but the second factor."""
    refusal = why_not(by, "confirm", request)
    if refusal is not None:
        raise refusal.error()
    if not step_up_age(request):
        raise Conflict("Policy asks for no second factor here.", code="step-up-not-asked")
    return shown(request, digest)[0]


def confirm_by(
    by: User, occasion: Occasion, method: str, show: Callable[[], Shown | None], wrong: str
) -> StepUp:
    """The proof that `show` gives, kept, if there is one and it never served before.

    `show` is called under the lock of the request; `wrong` is what people read where it gives none.
    Raises NotFound, Forbidden (not to decide here, wrong, too many tries), Conflict,
    SnapshotMoved.
    """
    with transaction.atomic():
        require_sight(by, occasion.request)
        request = locked(occasion.request)
        snapshot = _to_confirm(by, request, occasion.snapshot)
        proof = show()  # one by one: it holds the lock until the count below is true for the next
        if _tried_too_often(by):
            raise Forbidden("Too many wrong tries. Wait five minutes.", code="too-many-tries")
        if proof is not None and not StepUp.objects.filter(proof=proof.proof).exists():
            return _keep(by, request, snapshot, occasion.session, proof)
        _note_failure(by, request, method)
    raise Forbidden(wrong, code="step-up-failed")


def _tried_too_often(by: User) -> bool:
    """In the ledger, where nothing is evicted."""
    tried = Entry.objects.filter(type="step_up.failed", actor_ref=str(by.actor_ref))
    return tried.filter(at__gt=now() - FAILURES_WITHIN).count() >= MOST_FAILURES


def _keep(by: User, request: Request, snapshot: Snapshot, session: str, proof: Shown) -> StepUp:
    step_up = StepUp.objects.create(
        person=by,
        request=request,
        snapshot=snapshot,
        session=session,
        method=proof.method,
        proof=proof.proof,
        at=proof.at or now(),
    )
    change = Change(request, person_actor(by, authn=signed_in_by(proof.method)))
    change.note(
        "step_up.confirmed",
        snapshot={"digest": snapshot.digest},
        decision={"step_up": str(step_up.id), "method": proof.method},
    )
    change.save()
    return step_up


def _note_failure(by: User, request: Request, method: str) -> None:
    change = Change(request, person_actor(by))
    change.note("step_up.failed", outcome="refused", decision={"method": method})
    change.save()
