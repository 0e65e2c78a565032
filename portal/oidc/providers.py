"""Administrators set up providers, change them and check them."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.access import Capability, require
from portal.kernel.canonical import JSON
from portal.kernel.clock import now
from portal.kernel.outgoing import NoAddress, parse_address
from portal.kernel.sealed import seal
from portal.kernel.validation import invalid
from portal.ledger.change import change, state_of
from portal.oidc.ask import discovered, keys, try_secret
from portal.oidc.keeping import insert_provider, lock_provider, note, save_provider
from portal.oidc.models import SignInProvider
from portal.oidc.proof import can_check

MOST_SECRET = 500
SETTINGS = ("name", "client_id", "scopes", "groups_claim", "adds_people", "confirms", "private")
_RECORDED = ("issuer", *SETTINGS)


@transaction.atomic
def create_provider(*, by: Any, issuer: str, secret: str, **wanted: Any) -> SignInProvider:
    """Set up a provider; nobody signs in through it before it was checked. Administrators only.

    Raises Forbidden, Invalid naming the field, Conflict.
    """
    require(by, Capability.ADMINISTER)
    provider = SignInProvider(issuer=issuer, created_by=by, created_at=now(), **wanted)
    provider.secret = seal(_usable(secret))
    _check(provider)
    insert_provider(by, provider, state_of(provider, _RECORDED))
    return provider


@transaction.atomic
def change_provider(
    *, by: Any, provider: SignInProvider, secret: str = "", **wanted: Any
) -> SignInProvider:
    """Change all but its issuer; a secret that is not given stays.

    Raises Forbidden, Invalid naming the field, Conflict.
    """
    provider = lock_provider(by, provider)
    before = state_of(provider, SETTINGS)
    for name, value in wanted.items():
        setattr(provider, name, value)
    if secret:
        provider.secret = seal(_usable(secret))
    _check(provider)
    replaced: list[JSON] = ["secret"] if secret else []
    save_provider(by, provider, before, state_of(provider, SETTINGS), replaced)
    return provider


def check_provider(*, by: Any, provider: SignInProvider) -> SignInProvider:
    """Read its configuration anew, and try keys and secret; sign-in uses what was read from now on.

    Asks outside any transaction. Raises Forbidden, Conflict, ProviderFailed.
    """
    require(by, Capability.ADMINISTER)
    provider.configuration = discovered(provider)
    usable = can_check(keys(provider))
    try_secret(provider)
    with transaction.atomic():
        locked = lock_provider(by, provider)
        before: dict[str, JSON] = dict(locked.configuration)
        locked.configuration, locked.checked_at = provider.configuration, now()
        locked.save(update_fields=["configuration", "checked_at"])
        changed = change(before, locked.configuration)
        note("sign_in_provider.checked", by, locked, changed, keys=usable)
    return locked


def _usable(secret: str) -> str:
    if not secret or len(secret) > MOST_SECRET or not secret.isprintable():
        raise invalid("secret", _("Enter the client secret as the provider shows it."))
    return secret


def _check(provider: SignInProvider) -> None:
    """Raises Invalid for what no field can see alone."""
    try:
        address = parse_address(provider.issuer)
    except NoAddress as problem:
        raise invalid("issuer", str(problem)) from None
    if not (address.secure or provider.private) or "?" in address.target:
        raise invalid("issuer", _("The issuer must begin with https:// and have no query."))
    if "openid" not in provider.scopes.split():
        raise invalid("scopes", _("“openid” has to be among the scopes."))
