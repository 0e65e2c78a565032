"""Pages of streams to a SIEM: auditors see them, administrators change them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.audit.siem.check import try_stream
from approvals.audit.siem.configure import (
    change_stream,
    create_stream,
    pause_stream,
    remove_stream,
    renew_secret,
    replay_stream,
    resume_stream,
)
from approvals.audit.siem.forms import ReplayForm, StreamForm
from approvals.audit.siem.queries import (
    administered_stream,
    load_stream,
    standing_of,
    visible_streams,
)
from approvals.models import SiemStream
from portal.access import Capability, require
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page


@require_safe
def streams(request: PersonRequest) -> HttpResponse:
    """All that the person may see, with how far each is."""
    rows = [standing_of(stream) for stream in visible_streams(request.user)]
    return render(request, "audit/streams.html", {"rows": rows})


@never_cache
@require_http_methods(["GET", "POST"])
def stream_new(request: PersonRequest) -> HttpResponse:
    """Add one; the secret of a webhook is shown once."""
    require(request.user, Capability.ADMINISTER)
    form = StreamForm(request.POST or None)
    if made := attempt(form, create_stream, by=request.user):
        stream, secret = made
        if secret:
            return _secret_page(request, stream, secret)
        messages.success(request, _("Added. Test it now."))
        return redirect("siem-stream", stream.pk)
    return form_page(
        request,
        form,
        title=_("Stream to a SIEM"),
        submit=_("Add stream"),
        cancel=reverse("siem-streams"),
        intro=_("Sealed entries of the ledger are sent there as they come, in the log's order."),
    )


@require_safe
def stream(request: PersonRequest, stream_id: UUID) -> HttpResponse:
    """One stream: where it is, how it does, what can be done with it."""
    return _page(request, load_stream(request.user, stream_id))


def _page(request: PersonRequest, found: SiemStream, **more: Any) -> HttpResponse:
    context = {"stream": found, "standing": standing_of(found), **more}
    return render(request, "audit/stream.html", context)


@require_http_methods(["GET", "POST"])
def stream_edit(request: PersonRequest, stream_id: UUID) -> HttpResponse:
    """Change where it sends."""
    found = administered_stream(request.user, stream_id)
    form = StreamForm(request.POST or None, stream=found)
    if attempt(form, change_stream, by=request.user, stream=found):
        messages.success(request, _("Saved. It goes on from its position."))
        return redirect("siem-stream", found.pk)
    return form_page(
        request,
        form,
        title=_("Change %(name)s") % {"name": found.name},
        submit=_("Save"),
        cancel=_address(found),
        intro=found.get_kind_display(),
    )


@require_POST
def stream_test(request: PersonRequest, stream_id: UUID) -> HttpResponse:
    """Send the newest entry now, and say what came of it."""
    found = administered_stream(request.user, stream_id)
    tested = try_stream(by=request.user, stream=found)
    found.refresh_from_db()
    return _page(request, found, tested=tested)


@require_http_methods(["GET", "POST"])
def stream_pause(request: PersonRequest, stream_id: UUID) -> HttpResponse:
    """Send nothing for a while, after asking."""
    found = administered_stream(request.user, stream_id)
    question = ask_first(
        request,
        title=_("Pause %(name)s?") % {"name": found.name},
        text=_("Nothing is sent until you resume it. Its position stays, so nothing is left out."),
        submit=_("Pause stream"),
        cancel=_address(found),
    )
    if question:
        return question
    pause_stream(by=request.user, stream=found)
    messages.success(request, _("Paused."))
    return redirect("siem-stream", found.pk)


@require_POST
def stream_resume(request: PersonRequest, stream_id: UUID) -> HttpResponse:
    """Go on from its position."""
    found = administered_stream(request.user, stream_id)
    resume_stream(by=request.user, stream=found)
    messages.success(request, _("Resumed. It goes on from its position."))
    return redirect("siem-stream", found.pk)


@require_http_methods(["GET", "POST"])
def stream_replay(request: PersonRequest, stream_id: UUID) -> HttpResponse:
    """Send again from a position; the page says what that means before it is done."""
    found = administered_stream(request.user, stream_id)
    form = ReplayForm(request.POST or None)
    if attempt(form, replay_stream, by=request.user, stream=found):
        messages.success(request, _("It sends from there now."))
        return redirect("siem-stream", found.pk)
    standing = standing_of(found)
    return form_page(
        request,
        form,
        title=_("Replay %(name)s") % {"name": found.name},
        submit=_("Send from there"),
        cancel=_address(found),
        intro=_("It stands at %(position)d of %(size)d. From an earlier position everything is "
                "sent once more, and receivers drop by event_id what they have. From a later one "
                "what lies between is never sent. This is recorded.")
        % {"position": found.position, "size": standing.size},
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "POST"])
def stream_secret(request: PersonRequest, stream_id: UUID) -> HttpResponse:
    """Renew the secret, after asking; it is shown once."""
    found = administered_stream(request.user, stream_id)
    question = ask_first(
        request,
        title=_("New secret for %(name)s?") % {"name": found.name},
        text=_("What is sent is signed with both for a day, so that you have time to enter the "
               "new one."),
        submit=_("Make a new secret"),
        cancel=_address(found),
    )  # fmt: skip
    if question:
        return question
    return _secret_page(request, found, renew_secret(by=request.user, stream=found))


@require_http_methods(["GET", "POST"])
def stream_remove(request: PersonRequest, stream_id: UUID) -> HttpResponse:
    """Never send there again, after asking."""
    found = administered_stream(request.user, stream_id)
    question = ask_first(
        request,
        title=_("Remove %(name)s?") % {"name": found.name},
        text=_("Nothing is sent there any more and its secrets are deleted. This cannot be undone; "
               "you can add it anew, from any position."),
        submit=_("Remove stream"),
        cancel=_address(found),
    )  # fmt: skip
    if question:
        return question
    remove_stream(by=request.user, stream=found)
    messages.success(request, _("Removed."))
    return redirect("siem-streams")


def _address(found: SiemStream) -> str:
    return reverse("siem-stream", args=[found.pk])


def _secret_page(request: PersonRequest, found: SiemStream, secret: str) -> HttpResponse:
    context = {
        "title": _("Secret of %(name)s") % {"name": found.name},
        "text": _("Enter it in the receiver now, as the secret of a Standard Webhook; nobody can "
                  "show it again."),
        "secret": secret,
        "next": _address(found),
    }  # fmt: skip
    return render(request, "portal/secret.html", context)
