"""Putting a provider out of use."""

from typing import Any

from django.db import transaction

from portal.kernel.clock import now, rfc3339
from portal.ledger.change import change
from portal.oidc.keeping import lock_provider, note
from portal.oidc.mapping import apply_rules, holders_of
from portal.oidc.models import SignInProvider


@transaction.atomic
def archive_provider(*, by: Any, provider: SignInProvider) -> SignInProvider:
    """Nobody signs in through it any more; what it gave ends, and its secret is gone.

    Administrators only. Raises Forbidden, Conflict.
    """
    provider = lock_provider(by, provider)
    at = now()
    provider.archived_at, provider.secret = at, ""
    provider.save(update_fields=["archived_at", "secret"])
    changed = change({"archived_at": None}, {"archived_at": rfc3339(at)})
    note("sign_in_provider.archived", by, provider, changed)
    for person in holders_of(provider):
        apply_rules(provider, person, [])
    return provider
