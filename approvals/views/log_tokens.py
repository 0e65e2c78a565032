"""Pages of the tokens with which an auditor's programs read the log, and how they are taken."""

from collections.abc import Callable
from datetime import datetime, time
from functools import wraps
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import get_current_timezone, localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from approvals.audit.log_tokens import (
    LIFETIME,
    MAX_LIFETIME,
    issue_log_token,
    load_log_token,
    log_tokens_of,
    reader_of,
    revoke_log_token,
)
from approvals.views.http import PersonRequest
from portal.access import Capability, require
from portal.kernel.clock import now
from portal.kernel.errors import Unauthenticated
from portal.kernel.http import ask_first, attempt, form_page, page_of

View = Callable[..., HttpResponse]
BEARER = "Bearer "


class LogTokenForm(forms.Form):
    """What for, and until when."""

    name = forms.CharField(label=gettext_lazy("What it is for"), max_length=80)
    expires_at = forms.DateField(
        label=gettext_lazy("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("At most one year from now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today, field = localdate(), self.fields["expires_at"]
        field.initial = today + LIFETIME
        field.widget.attrs |= {
            "min": today.isoformat(), "max": (today + MAX_LIFETIME).isoformat()
        }  # fmt: skip

    def clean_expires_at(self) -> datetime:
        """The end of that day, in the reader's time zone."""
        return datetime.combine(
            self.cleaned_data["expires_at"], time.max, tzinfo=get_current_timezone()
        )


def takes_log_token(view: View) -> View:
    """The view reads as who made the token in the header, or as who is signed in."""

    @login_not_required
    @wraps(view)
    def read(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        header = request.headers.get("Authorization", "")
        if header.startswith(BEARER):
            try:
                request.user = reader_of(header.removeprefix(BEARER))
            except Unauthenticated as refusal:
                return _unauthenticated(refusal.sentence)
        elif not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return read


def _unauthenticated(sentence: str) -> HttpResponse:
    headers = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"}
    return HttpResponse(f"{sentence}\n", status=401, content_type="text/plain; charset=utf-8",
                        headers=headers)  # fmt: skip


@require_http_methods(["GET"])
def log_tokens(request: PersonRequest) -> HttpResponse:
    """The reader's own."""
    require(request.user, Capability.AUDIT)
    page = page_of(request, log_tokens_of(request.user))
    return render(request, "audit/log_tokens.html", {"page": page, "now": now()})


@never_cache
@require_http_methods(["GET", "POST"])
def log_token_new(request: PersonRequest) -> HttpResponse:
    """Issue one; its secret is shown once."""
    require(request.user, Capability.AUDIT)
    form = LogTokenForm(request.POST or None)
    if issued := attempt(form, issue_log_token, by=request.user):
        context = {
            "title": _("Token of the log"),
            "text": _("Copy it to the program that reads the log now. Only its hash is stored: "
                      "nobody can show it again."),
            "secret": issued[1],
            "next": reverse("log-tokens"),
        }  # fmt: skip
        return render(request, "portal/secret.html", context)
    return form_page(
        request,
        form,
        title=_("New token of the log"),
        intro=_("A program reads the log with it as you may, and nothing else: never pages, never "
                "in your name. It ends when you audit the whole portal no more."),
        submit=_("Issue token"),
        cancel=reverse("log-tokens"),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def log_token_revoke(request: PersonRequest, log_token_id: UUID) -> HttpResponse:
    """Revoke one, after asking."""
    token = load_log_token(request.user, log_token_id)
    question = ask_first(
        request,
        title=_("Revoke %(token)s?") % {"token": token},
        text=_("Programs that use it are refused from then on. This cannot be undone."),
        submit=_("Revoke token"),
        cancel=reverse("log-tokens"),
    )
    if question:
        return question
    revoke_log_token(by=request.user, token=token)
    messages.success(request, _("Token revoked."))
    return redirect("log-tokens")
