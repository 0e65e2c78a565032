"""Sign-ins that a provider let begin and that came to nothing."""

from django.db import transaction

from portal.ledger.actors import SYSTEM
from portal.ledger.record import record
from portal.oidc.models import SignInProvider


@transaction.atomic
def note_failure(provider: SignInProvider, why: str) -> None:
    """An entry, with a code for the reason; who it was is not known."""
    about = {"kind": "sign_in_provider", "id": str(provider.pk), "reason": why}
    record("sign_in.failed", actor=SYSTEM, outcome="refused", object=about)
