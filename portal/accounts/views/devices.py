"""Signing a person's devices out."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.access import Capability, require
from portal.accounts.devices import (
    device_of,
    sign_out_device,
    sign_out_everywhere,
    sign_out_others,
)
from portal.accounts.queries import load_person
from portal.kernel.http import PersonRequest, ask_first


@require_POST
def device_sign_out(request: PersonRequest, device_id: UUID) -> HttpResponse:
    """End one of one's own sessions."""
    sign_out_device(person=request.user, device=device_id)
    messages.success(request, _("Signed out there."))
    return redirect("security")


@require_POST
def devices_sign_out(request: PersonRequest) -> HttpResponse:
    """End all of one's own sessions but this one."""
    sign_out_others(person=request.user, device=device_of(request))
    messages.success(request, _("Signed out everywhere else."))
    return redirect("security")


@require_http_methods(["GET", "POST"])
def person_sign_out(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """End every session of a person, after asking."""
    require(request.user, Capability.ADMINISTER)
    found = load_person(person_id)
    question = ask_first(
        request,
        title=_("Sign %(person)s out everywhere?") % {"person": found},
        text=_("Every device asks them to sign in again."),
        submit=_("Sign out everywhere"),
        cancel=reverse("person", args=[found.pk]),
    )
    if question:
        return question
    sign_out_everywhere(by=request.user, person=found)
    messages.success(request, _("Signed out everywhere."))
    return redirect("person", found.pk)
