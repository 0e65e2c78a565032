"""Confirm with a second factor before deciding. It decides nothing and replays nothing."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from approvals.asked import step_up_age
from approvals.lifecycle.step_up import (
    Occasion,
    challenge_bytes,
    confirm_with_code,
    confirm_with_passkey,
    new_challenge,
    open_to_confirm,
)
from approvals.models import Request
from approvals.queries.panel import approve_text
from approvals.queries.rows import title_of
from approvals.views.decide import refused_note
from approvals.views.draft import keep_comment
from approvals.views.http import PersonRequest, session_digest, snapshot_digest
from approvals.views.request import show
from portal.accounts.factor_kinds import factor_kinds
from portal.accounts.second_factors import passkey_options
from portal.kernel.errors import Conflict, Forbidden, Refused
from portal.oidc.confirm import confirming_providers
from portal.templatetags.times import duration_words


@require_POST
def step_up_begin(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """From the decision form: keep the comment, and go to where one confirms."""
    comment, digest = request.POST.get("comment", ""), request.POST.get("snapshot", "")
    occasion = occasion_of(request, request_id, digest)
    try:
        open_to_confirm(request.user, occasion)
    except (Conflict, Forbidden) as refusal:
        return back(request, occasion, refusal, comment=comment, parts=bool(request.htmx))
    keep_comment(request, request_id, comment)
    query = urlencode({"snapshot": occasion.snapshot})
    there = f"{reverse('step-up', args=[request_id])}?{query}"
    return HttpResponseClientRedirect(there) if request.htmx else _see_other(there)


@require_http_methods(["GET", "HEAD", "POST"])
def step_up(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """Show what it is confirmed for, take a passkey or a code, and lead back to the request."""
    sent = request.POST if request.method == "POST" else request.GET
    occasion = occasion_of(request, request_id, sent.get("snapshot", ""))
    wrong: Refused | None = None
    try:
        if request.method == "POST":
            _confirm(request, occasion)
            return confirmed(request, occasion)
    except Forbidden as refusal:
        wrong = refusal
    except Conflict as refusal:
        return back(request, occasion, refusal)
    return show_ways(request, occasion, wrong)


def show_ways(request: PersonRequest, occasion: Occasion, wrong: Refused | None) -> HttpResponse:
    """The page with the ways to confirm, below why the last one was refused."""
    try:
        about = open_to_confirm(request.user, occasion)
    except (Conflict, Forbidden) as refusal:
        return back(request, occasion, refusal)
    context = {**_page(request, occasion, about), "refusal": wrong and refused_note(wrong)}
    return render(request, "approvals/step_up.html", context, status=wrong.status if wrong else 200)


def _confirm(request: PersonRequest, occasion: Occasion) -> None:
    if request.POST.get("credential"):
        confirm_with_passkey(
            by=request.user,
            occasion=occasion,
            challenge=request.POST.get("challenge", ""),
            credential=request.POST["credential"],
        )
    else:
        confirm_with_code(by=request.user, occasion=occasion, code=request.POST.get("code", ""))


def _page(request: PersonRequest, occasion: Occasion, about: Request) -> dict[str, Any]:
    factors = factor_kinds(request.user)
    challenge = new_challenge(request.user, occasion)
    signed = challenge_bytes(challenge)
    return {
        "about": about,
        "title": title_of(about),
        "approve_text": approve_text(about),
        "age": duration_words(step_up_age(about)),
        "snapshot": occasion.snapshot,
        "factors": factors,
        "providers": confirming_providers(request.user),
        "challenge": challenge,
        "options": passkey_options(request.user, signed) if factors.passkey else None,
    }


def occasion_of(request: PersonRequest, request_id: UUID, digest: str) -> Occasion:
    """What is confirmed for, in this browser."""
    return Occasion(request_id, snapshot_digest(digest), session_digest(request))


def confirmed(request: PersonRequest, occasion: Occasion) -> HttpResponse:
    """The way to the request, where one decides."""
    messages.success(request, _("Confirmed that it is you. Nothing is decided yet: decide now."))
    query = urlencode({"seen": occasion.snapshot})
    return _see_other(f"{reverse('request', args=[occasion.request])}?{query}")


def back(
    request: PersonRequest,
    occasion: Occasion,
    refusal: Refused,
    *,
    parts: bool = False,
    **more: Any,
) -> HttpResponse:
    """The request's page, with why nobody can confirm for it now."""
    note = refused_note(refusal)
    return show(
        request,
        occasion.request,
        seen=occasion.snapshot,
        parts=parts,
        status=refusal.status,
        refusal=note,
        **more,
    )


def _see_other(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response
