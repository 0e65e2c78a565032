"""Approve or reject. Refused answers come back as the page, with the comment kept."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from approvals.lifecycle.decide import record_decision
from approvals.lifecycle.on_screen import SnapshotMoved
from approvals.views.draft import drop_comment
from approvals.views.http import PersonRequest, session_digest, snapshot_digest
from approvals.views.request import show
from portal.kernel.errors import Conflict, Forbidden, Invalid, Refused


@require_POST
def decide(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """One person's answer to the facts that were on the screen. Never decided by a GET."""
    outcome, comment = request.POST.get("outcome", ""), request.POST.get("comment", "")
    shown = snapshot_digest(request.POST.get("snapshot", ""))
    try:
        decided = record_decision(
            by=request.user,
            request_id=request_id,
            outcome=outcome,
            comment=comment,
            snapshot_digest=shown,
            verdict_digest=snapshot_digest(request.POST.get("verdict", "")),
            opened=request.POST.getlist("opened"),
            session=session_digest(request),
        )
    except (Conflict, Forbidden, Invalid) as refusal:
        return _again(request, request_id, refusal, shown, comment)
    drop_comment(request, request_id)
    word = _("Approved") if outcome == "approve" else _("Rejected")
    if decided.delegation is not None:
        whom = decided.delegation.delegator
        word = _("%(word)s on behalf of %(whom)s") % {"word": word, "whom": whom}
    line = _("%(word)s. Entry %(entry)s.") % {"word": word, "entry": f"{decided.entry:,}"}
    return recorded(request, request_id, line, seen=shown)


def recorded(
    request: PersonRequest, request_id: UUID, line: str, *, seen: str = ""
) -> HttpResponse:
    """One line that says what was recorded; the page reads its parts again by itself, and marks
    what is otherwise than in the snapshot `seen` (else than it did before).

    The pipeline that waits is answered at this very moment: making the page here would delay it.
    """
    if request.htmx:
        answer = render(request, "approvals/_flash.html", {"recorded": line})
        return trigger_client_event(answer, "reread", {"seen": seen})
    messages.success(request, line)
    response = HttpResponseRedirect(reverse("request", args=[request_id]))
    response.status_code = 303
    return response


def _again(
    request: PersonRequest, request_id: UUID, refusal: Refused, shown: str, comment: str
) -> HttpResponse:
    more = {"refusal": refused_note(refusal), "comment": comment}
    return show(
        request, request_id, seen=shown, parts=bool(request.htmx), status=refusal.status, **more
    )


def refused_note(refusal: Refused) -> dict[str, Any]:
    """How a refusal is shown: what happened, and the refusal's own sentence."""
    if isinstance(refusal, SnapshotMoved):
        kind, icon, title = "drift", "refresh-cw", _("The facts moved")
    elif isinstance(refusal, Forbidden):
        kind, icon, title = "bad", "lock", _("Not allowed")
    else:
        kind, icon, title = "warn", "triangle-alert", _("Not recorded")
    return {"kind": kind, "icon": icon, "title": title, "sentence": refusal.sentence}
