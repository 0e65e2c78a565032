"""django-allauth's OpenID Connect, with every call and every proof done by this portal.

allauth keeps the state of a sign-in and hands over to its own sign-in flow. It would ask the
provider without the limits of `portal.kernel.outgoing`, skip the signature of an ID token, send no
nonce, and prefer what the userinfo endpoint says; so none of that is left to it.
"""

from typing import Any

from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from portal.oidc.ask import ProviderFailed, keys, tokens, userinfo
from portal.oidc.mapping import group_values
from portal.oidc.models import SignInProvider
from portal.oidc.proof import nonce_of, proven
from portal.oidc.queries import usable_provider
from portal.oidc.social import SubjectOnly, app_of


class Exchange(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """One sign-in through a provider: from the code that came back to the claims."""

    def __init__(self, request: HttpRequest, provider: SignInProvider) -> None:
        super().__init__(request, str(provider.pk))
        self.row = provider
        self._verifier = ""

    @property
    def openid_config(self) -> Any:
        return self.row.configuration

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return callback_url(self.row)

    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: Any, pkce_code_verifier: str = ""
    ) -> dict[str, Any]:
        """Redeem the code. Raises ProviderFailed."""
        self._verifier = pkce_code_verifier
        return tokens(
            self.row,
            code=request.GET["code"],
            verifier=pkce_code_verifier,
            redirect_uri=callback_url(self.row),
        )

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        return SocialToken(token=str(data.get("access_token", "")))

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any
    ) -> SocialLogin:
        """The account that the provider proved, with its claims. Raises ProviderFailed."""
        claims = proven(
            kwargs["response"].get("id_token"),
            keys(self.row),
            issuer=self.row.issuer,
            client_id=self.row.client_id,
            nonce=nonce_of(self._verifier),
        )
        if "userinfo_endpoint" in self.row.configuration and self._lacks(claims):
            said = userinfo(self.row, token.token)
            if said.get("sub") != claims["sub"]:
                raise ProviderFailed("it speaks of two different people")
            claims = {**said, **claims}
        login = provider_of(request, self.row).sociallogin_from_response(request, claims)
        login.claims = claims
        return login

    def _lacks(self, claims: dict[str, Any]) -> bool:
        """Whether something that is looked for may stand in the userinfo answer instead."""
        groups = self.row.groups_claim
        return self.row.adds_people or bool(groups and not group_values(claims, groups))


class Provider(SubjectOnly, OpenIDConnectProvider):  # type: ignore[misc]
    """An OpenID provider as allauth knows it."""

    oauth2_adapter_class = Exchange

    def get_oauth2_adapter(self, request: HttpRequest) -> Exchange:
        return Exchange(request, usable_provider(self.row_id))

    def get_pkce_params(self) -> dict[str, Any]:
        """PKCE always, and a nonce that follows from its verifier, which the session keeps."""
        params = generate_code_challenge()
        return {**params, "nonce": nonce_of(params["code_verifier"])}


def callback_url(provider: SignInProvider) -> str:
    """Where it sends people back to; each has its own, so that none answers for another."""
    return settings.PUBLIC_URL + reverse("openid_connect_callback", args=[provider.pk])


def provider_of(request: HttpRequest, row: SignInProvider) -> Provider:
    """The provider for one request of allauth's. Its secret is not among what allauth gets."""
    told = {
        "server_url": row.issuer,
        "scope": row.scopes.split(),
        "token_auth_method": "client_secret_post",  # never used: we redeem codes ourselves
    }
    return Provider(request, app_of(row, Provider.id, told))
