"""A SAML provider as django-allauth knows it: one request, and one response to it."""

from secrets import token_hex
from typing import Any

from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import Provider, ProviderAccount
from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from portal.kernel.clock import now
from portal.oidc.ask import ProviderFailed
from portal.oidc.models import Kind, SignInProvider
from portal.oidc.queries import usable_provider
from portal.oidc.social import SubjectOnly, app_of
from portal.oidc.subjects import usable_subject
from portal.saml.request import sign_in_address
from portal.saml.response import Expected, proven
from portal.saml.xml import SamlFailed


class SamlProvider(SubjectOnly, Provider):  # type: ignore[misc]
    """The session keeps the id of each request until one response used it up."""

    id = "saml"
    account_class = ProviderAccount

    @property
    def name(self) -> str:
        return str(self.app.name)

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, **kwargs: Any
    ) -> HttpResponseRedirect:
        """The way there."""
        row, request_id = self._row(), f"_{token_hex(20)}"
        state = self.stash_redirect_state(request, process, next_url, request_id=request_id)
        address = sign_in_address(
            row.configuration["sso_url"],
            entity_id=row.client_id,
            recipient=acs_url(row),
            request_id=request_id,
            relay_state=state,
            persistent=not row.subject_attribute,
            at=now(),
        )
        return HttpResponseRedirect(address)

    def login_of(self, request: HttpRequest, encoded: str, request_id: str) -> SocialLogin:
        """The account that a response to this request proves. Raises ProviderFailed."""
        row = self._row()
        expected = Expected(
            issuer=row.issuer,
            audience=row.client_id,
            recipient=acs_url(row),
            request_id=request_id,
            certificates=row.configuration["certificates"],
            subject_attribute=row.subject_attribute,
        )
        try:
            said = proven(encoded, expected, now())
        except SamlFailed as problem:
            raise ProviderFailed(str(problem)) from None
        if not usable_subject(said.subject):
            raise ProviderFailed("it names nobody that can be kept")
        claims = {n: v[0] if len(v) == 1 else v for n, v in said.attributes.items()}
        claims["sub"] = said.subject
        login = self.sociallogin_from_response(request, claims)
        login.claims = claims
        return login

    def _row(self) -> SignInProvider:
        return usable_provider(self.row_id, Kind.SAML)


def acs_url(provider: SignInProvider) -> str:
    """Where it sends people back to; each has its own, so that none answers for another."""
    return settings.PUBLIC_URL + reverse("saml-acs", args=[provider.pk])


def entity_id(provider: SignInProvider) -> str:
    """What this portal is called there: the address of its metadata, each provider's its own."""
    return settings.PUBLIC_URL + reverse("saml-metadata", args=[provider.pk])


def provider_of(request: HttpRequest, row: SignInProvider) -> SamlProvider:
    """The provider for one request of allauth's."""
    return SamlProvider(request, app_of(row, SamlProvider.id, {}))
