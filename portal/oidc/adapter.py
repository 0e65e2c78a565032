"""django-allauth's questions about providers, answered from our table."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from requests import Session

from portal.kernel.errors import NotFound, Refused
from portal.oidc.admit import NotLinked, admit
from portal.oidc.ask import ProviderFailed
from portal.oidc.failures import note_failure
from portal.oidc.kinds import Provider, provider_of
from portal.oidc.models import SignInProvider
from portal.oidc.queries import usable_provider, usable_providers


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Nobody signs up, and nobody links an account themselves: `admit` says who it is."""

    def list_providers(self, request: HttpRequest) -> list[Provider]:
        return [provider_of(request, row) for row in usable_providers()]

    def get_provider(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> Provider:
        """By the key of its row or, of a sign-in that was put aside, by class and client id."""
        for known in self.list_providers(request):
            if provider == known.sub_id or (provider, client_id) == (known.id, known.app.client_id):
                return known
        raise NotFound(_("Nobody signs in through this provider."))

    def get_requests_session(self) -> Session:
        """One that reaches nothing: whatever allauth would ask by itself is refused."""
        session = Session()
        session.adapters.clear()
        return session

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> Any:
        return sociallogin.user  # never saved: `admit` finds or adds the person

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find or refuse the person, and give them what their claims give."""
        provider = usable_provider(sociallogin.provider.row_id)
        claims = sociallogin.claims
        try:
            link = admit(provider=provider, claims=claims)
        except Refused as refusal:
            note_failure(provider, refusal.code)
            shown = claims["sub"] if isinstance(refusal, NotLinked) else ""
            page = _refusal(request, provider, refusal.sentence, 403, shown)
            raise ImmediateHttpResponse(page) from None
        sociallogin.account, sociallogin.user = link, link.user

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Provider,
        error: str = AuthError.UNKNOWN,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Say why, on a page of ours. What failed after a sign-in began here is recorded."""
        row = usable_provider(provider.row_id)
        began = bool((extra_context or {}).get("state"))
        if error == AuthError.CANCELLED:
            text = _("It was cancelled there. Nothing has changed.")
        elif isinstance(exception, ProviderFailed):
            text = _("The provider could not be used: %(why)s.") % {"why": exception}
        elif began:
            text = _("The provider answered with an error.")
        else:
            text = _("It took too long, or did not begin in this browser.")
        if began:
            note_failure(row, "cancelled" if error == AuthError.CANCELLED else "provider-failed")
        raise ImmediateHttpResponse(_refusal(request, row, text, 401))


def _refusal(
    request: HttpRequest, provider: SignInProvider, text: str, status: int, subject: str = ""
) -> HttpResponse:
    context = {"provider": provider, "text": text, "subject": subject}
    return render(request, "portal/sign_in_refused.html", context, status=status)
