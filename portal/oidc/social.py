"""What django-allauth is told of a provider, whichever way it says who somebody is."""

from typing import Any

from allauth.socialaccount.models import SocialApp

from portal.oidc.models import SignInProvider


class SubjectOnly:
    """For a provider class of allauth: of what a provider says allauth gets the subject alone."""

    app: SocialApp

    @property
    def row_id(self) -> str:
        """The id of the provider's row."""
        return str(self.app.row_id)

    def extract_uid(self, data: dict[str, Any]) -> str:
        return str(data["sub"])

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {}  # `admit` keeps the group values, once they count

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {}  # nothing is matched by it

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        return []  # nor by these


def app_of(provider: SignInProvider, kind: str, settings: dict[str, Any]) -> SocialApp:
    """The provider in allauth's words, never saved; `kind` is the id of its class there."""
    app = SocialApp(
        provider=kind,
        provider_id=provider.key,
        name=provider.name,
        client_id=provider.client_id,
        settings=settings,
    )
    app.row_id = provider.pk
    return app
