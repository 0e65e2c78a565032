"""Each kind of provider as django-allauth asks for it."""

from typing import TypeAlias

from django.http import HttpRequest

from portal.oidc import exchange, saml
from portal.oidc.models import Kind, SignInProvider

Provider: TypeAlias = exchange.Provider | saml.SamlProvider


def provider_of(request: HttpRequest, row: SignInProvider) -> Provider:
    """The provider for one request of allauth's."""
    if row.kind == Kind.SAML:
        return saml.provider_of(request, row)
    return exchange.provider_of(request, row)
