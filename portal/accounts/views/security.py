"""What a person signs in with, and where they are signed in."""

from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import clear_totp_secret
from allauth.mfa.webauthn.internal.auth import begin_registration
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import Capability, require
from portal.accounts.confirmed import confirmed_lately
from portal.accounts.devices import device_of, devices_of
from portal.accounts.factors import (
    Added,
    add_app,
    add_passkey,
    codes_left,
    factors_of,
    remove_all_factors,
    remove_factor,
    renew_codes,
)
from portal.accounts.passkeys import PasskeyForm
from portal.accounts.qr import qr_svg
from portal.accounts.queries import load_person
from portal.kernel.http import PersonRequest, ask_first, attempt


@require_safe
def security(request: PersonRequest) -> HttpResponse:
    """How this person signs in, and where they did."""
    factors = factors_of(request.user)
    context = {
        "factors": factors,
        "has_app": any(factor.type == Authenticator.Type.TOTP for factor in factors),
        "codes_left": codes_left(request.user),
        "devices": devices_of(request.user),
        "this_device": device_of(request),
    }
    return render(request, "account/security.html", context)


@never_cache
@confirmed_lately
@require_http_methods(["GET", "POST"])
def app_add(request: PersonRequest) -> HttpResponse:
    """Show the secret of a new authenticator app, and take the first code it gives."""
    form = ActivateTOTPForm(request.POST or None, user=request.user)
    form.fields["code"].widget.attrs |= {"inputmode": "numeric", "autofocus": True}
    if form.is_bound and form.is_valid():
        added = add_app(person=request.user, secret=form.secret)
        clear_totp_secret(request)
        return _after(request, added, _("Authenticator app added."))
    address = get_adapter().build_totp_url(request.user, form.secret)
    context = {"form": form, "qr": qr_svg(address, _("QR code of the secret below"))}
    return render(request, "account/app.html", context, status=422 if form.errors else 200)


@never_cache
@confirmed_lately
@require_http_methods(["GET", "POST"])
def passkey_add(request: PersonRequest) -> HttpResponse:
    """Ask the browser for a new passkey, and keep what it makes."""
    form = PasskeyForm(request.POST or None, user=request.user)
    if added := attempt(form, add_passkey, person=request.user):
        return _after(request, added, _("Passkey added."))
    context = {
        "form": form,
        "js_data": {"creation_options": begin_registration(request.user, True)},
    }
    return render(request, "account/passkey.html", context, status=422 if form.errors else 200)


def _after(request: PersonRequest, added: Added, text: str) -> HttpResponse:
    """Having shown the new factor, the session is confirmed by it."""
    record_authentication(
        request, request.user, "mfa", type=added.factor.type, reauthenticated=True
    )
    if added.codes:
        return _show_codes(request, added.codes)
    messages.success(request, text)
    return redirect("security")


def _show_codes(request: PersonRequest, codes: list[str]) -> HttpResponse:
    return render(request, "account/codes.html", {"codes": codes})


@never_cache
@confirmed_lately
@require_http_methods(["GET", "POST"])
def codes_renew(request: PersonRequest) -> HttpResponse:
    """New recovery codes, after asking; shown once."""
    question = ask_first(
        request,
        title=_("Make new recovery codes?"),
        text=_("The codes you have stop working."),
        submit=_("Make new codes"),
        cancel=reverse("security"),
    )
    return question or _show_codes(request, renew_codes(person=request.user))


@confirmed_lately
@require_http_methods(["GET", "POST"])
def factor_remove(request: PersonRequest, factor_id: int) -> HttpResponse:
    """Take a passkey or the app away, after asking."""
    question = ask_first(
        request,
        title=_("Remove this way to sign in?"),
        text=_("It is refused from now on. With the last one your recovery codes go too, and the "
               "password alone signs you in."),
        submit=_("Remove"),
        cancel=reverse("security"),
    )  # fmt: skip
    if question:
        return question
    remove_factor(person=request.user, factor_id=factor_id)
    messages.success(request, _("Removed."))
    return redirect("security")


@require_http_methods(["GET", "POST"])
def person_factors(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """Help somebody who lost every second factor, after asking."""
    require(request.user, Capability.ADMINISTER)
    found = load_person(person_id)
    question = ask_first(
        request,
        title=_("Remove the second factors of %(person)s?") % {"person": found},
        text=_("Passkeys, authenticator app and recovery codes are gone; the password alone signs "
               "them in. Be sure that it is them who asks. The ledger records that you did this."),
        submit=_("Remove second factors"),
        cancel=reverse("person", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    remove_all_factors(by=request.user, person=found)
    messages.success(request, _("Second factors removed."))
    return redirect("person", found.pk)
