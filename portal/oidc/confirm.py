"""Signing in anew at a provider, to show that one is still oneself. It signs nobody in here."""

from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.oidc.ask import ProviderFailed, keys, tokens
from portal.oidc.links import link_of
from portal.oidc.models import SignInProvider
from portal.oidc.proof import LEEWAY, nonce_of, proven
from portal.oidc.queries import usable_providers


@dataclass(frozen=True)
class Way:
    """The address there, the state that comes back with the code, and the PKCE verifier, which
    stays here and which the nonce follows from."""

    url: str
    state: str
    verifier: str


def return_url(provider: SignInProvider) -> str:
    """Where it sends people back to. Not where sign-ins come back: no code serves for both."""
    return settings.PUBLIC_URL + reverse("step-up-return", args=[provider.pk])


def confirming_providers(person: User) -> list[SignInProvider]:
    """Those that may confirm decisions, of those that this person has an account at."""
    accounts = SocialAccount.objects.filter(user_id=person.pk)
    mine = set(accounts.values_list("provider", flat=True))
    return [row for row in usable_providers().filter(confirms=True) if str(row.pk) in mine]


def confirming_provider(person: User, provider_id: UUID) -> SignInProvider:
    """One of them. Raises NotFound."""
    for provider in confirming_providers(person):
        if provider.pk == provider_id:
            return provider
    raise NotFound(_("This provider does not confirm your decisions."))


def is_account_of(person: User, provider: SignInProvider, subject: str) -> bool:
    """Whether the account is this person's, and its provider may confirm decisions, right now."""
    link = link_of(provider, subject)
    if link is None or link.user_id != person.pk:
        return False
    return provider in confirming_providers(person)


def way_to(provider: SignInProvider) -> Way:
    """A new one. It asks for a sign-in, whatever session is open there."""
    pkce = generate_code_challenge()
    verifier, state = pkce.pop("code_verifier"), token_urlsafe(24)
    asked = {
        "client_id": provider.client_id,
        "redirect_uri": return_url(provider),
        "response_type": "code",
        "scope": "openid",
        "prompt": "login",
        "max_age": "0",
        "state": state,
        "nonce": nonce_of(verifier),
        **pkce,
    }
    endpoint = provider.configuration["authorization_endpoint"]
    return Way(f"{endpoint}?{urlencode(asked)}", state, verifier)


def signed_in_anew(
    provider: SignInProvider, *, code: str, verifier: str, since: datetime
) -> tuple[str, datetime]:
    """The subject that signed in there at `since` or later, and when it did.

    Asks outside any transaction. Raises ProviderFailed.
    """
    given = tokens(provider, code=code, verifier=verifier, redirect_uri=return_url(provider))
    claims = proven(
        given.get("id_token"),
        keys(provider),
        issuer=provider.issuer,
        client_id=provider.client_id,
        nonce=nonce_of(verifier),
    )
    return str(claims["sub"]), _time_of(claims.get("auth_time"), since)


def _time_of(told: Any, since: datetime) -> datetime:
    """Not later than now, however their clock goes."""
    if type(told) not in (int, float):
        raise ProviderFailed("it does not say when you signed in there")
    here = now()
    if not since.timestamp() <= told <= here.timestamp() + LEEWAY:
        raise ProviderFailed("your sign-in there is not a new one")
    return min(datetime.fromtimestamp(told, UTC), here)
