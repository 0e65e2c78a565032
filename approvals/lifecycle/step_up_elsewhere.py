"""A person signs in anew at their provider, in order to decide once on what is on the screen."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from approvals.asked import step_up_age
from approvals.lifecycle.step_up import Occasion, bound_to, confirm_by, open_to_confirm
from approvals.models import StepUp
from portal.accounts.models import User
from portal.accounts.second_factors import Shown
from portal.kernel.canonical import sha256_digest
from portal.kernel.clock import now
from portal.oidc.ask import ProviderFailed
from portal.oidc.confirm import Way, confirming_provider, is_account_of, signed_in_anew, way_to
from portal.oidc.models import SignInProvider
from portal.oidc.proof import LEEWAY, nonce_of


def leave(by: User, occasion: Occasion, provider_id: UUID) -> tuple[SignInProvider, Way]:
    """The way to the provider. Raises as `confirm_by`; NotFound for one that confirms nothing."""
    open_to_confirm(by, occasion)
    provider = confirming_provider(by, provider_id)
    return provider, way_to(provider)


def to_keep(by: User, occasion: Occasion, way: Way) -> dict[str, Any]:
    """What the session keeps until the return: all that the way is bound to, and when it began."""
    return {**bound_to(by, occasion), "verifier": way.verifier, "left_at": now().timestamp()}


def confirm_elsewhere(
    *, by: User, occasion: Occasion, provider_id: UUID, kept: dict[str, Any], code: str
) -> StepUp:
    """`code` came back from the provider for what was `kept`.

    The provider has to say that whoever signed in there is this person, and did it since then and
    within the time that policy gives. Raises as `confirm_by`, and NotFound as `leave`.
    """
    about = open_to_confirm(by, occasion)
    provider = confirming_provider(by, provider_id)
    verifier, since = kept["verifier"], _since(kept["left_at"], step_up_age(about))
    problem, subject, at = "whoever signed in there is not you", "", None
    try:
        subject, at = signed_in_anew(provider, code=code, verifier=verifier, since=since)
    except ProviderFailed as failed:
        problem = str(failed)

    def show() -> Shown | None:
        ours = bound_to(by, occasion).items() <= kept.items()
        if not (ours and subject and is_account_of(by, provider, subject)):
            return None
        return Shown(provider.source, sha256_digest(nonce_of(verifier).encode()), at)

    wrong = f"{provider.name} did not confirm that it is you: {problem}."
    return confirm_by(by, occasion, provider.source, show, wrong)


def _since(left_at: float, age: int) -> datetime:
    """How early the sign-in may be: their clock may be behind, by no more than policy gives."""
    left = datetime.fromtimestamp(left_at - LEEWAY, UTC)
    return max(left, now() - timedelta(seconds=age))
