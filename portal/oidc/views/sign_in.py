"""Signing in through a provider: there by a form, back by the provider's redirect."""

from uuid import UUID

from allauth.core import ratelimit
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from portal.oidc.exchange import Exchange
from portal.oidc.kinds import provider_of
from portal.oidc.models import Kind
from portal.oidc.queries import usable_provider


@never_cache
@login_not_required
@require_POST
def provider_login(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """On the way to the provider.

    A page that goes on by itself, not a redirect: browsers hold a redirect against the
    Content-Security-Policy of the form that led to it.
    """
    limited: HttpResponse | None = ratelimit.consume_or_429(request, action="login")
    if limited is not None:
        return limited
    row = usable_provider(provider_id)
    away = provider_of(request, row).redirect(request, "login", next_url=_next(request))
    answer = render(request, "portal/sign_in_going.html", {"provider": row, "url": away.url})
    answer["Refresh"] = f"0; url={away.url}"
    return answer


@never_cache
@login_not_required
@require_GET
def provider_callback(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Back from the provider. Its code is good for one sign-in that began in this browser."""
    row = usable_provider(provider_id, Kind.OPENID)
    view = OAuth2CallbackView.adapter_view(Exchange(request, row))
    answer: HttpResponse = view(request)
    return answer


def _next(request: HttpRequest) -> str | None:
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return None
