"""Where somebody who is signed in shows that it is them, before changing how they sign in."""

from typing import Any

from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import begin_authentication
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.accounts.factors import factors_of
from portal.accounts.passkeys import ConfirmForm
from portal.kernel.errors import Forbidden
from portal.kernel.http import PersonRequest


def next_of(request: PersonRequest) -> str:
    """The page of this portal to go back to; the security page where none is named."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return reverse("security")


@never_cache
@require_http_methods(["GET", "POST"])
def confirm(request: PersonRequest) -> HttpResponse:
    """By passkey or code; by password for who has neither."""
    factors = factors_of(request.user)
    if not factors.exists():
        return _by_password(request)
    typed = "code" in request.POST
    code = ReauthenticateForm(request.POST if typed else None, user=request.user)
    by_key = request.method == "POST" and not typed
    passkey = ConfirmForm(request.POST if by_key else None, user=request.user)
    used = code if typed else passkey
    if used.is_bound and used.is_valid():
        used.save()
        return redirect(next_of(request))
    context: dict[str, Any] = {"form": code, "webauthn_form": passkey, "next": next_of(request)}
    if factors.filter(type=Authenticator.Type.WEBAUTHN).exists():
        context["js_data"] = {"request_options": begin_authentication(request.user)}
    return render(request, "account/confirm.html", context, status=422 if used.is_bound else 200)


def _by_password(request: PersonRequest) -> HttpResponse:
    if not request.user.has_usable_password():
        raise Forbidden(
            "Sign out and sign in again: your sign-in was too long ago.", code="stale-sign-in"
        )
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': next_of(request)})}")
