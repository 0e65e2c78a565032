"""Pages that import an iCalendar file: choose it, see what it holds, confirm."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from policies.freezes.calendar import HORIZON, occurrences
from policies.freezes.forms import ConfirmUploadForm, UploadForm
from policies.freezes.ical import Event
from policies.freezes.importing import import_file, plan_upload, read_upload
from policies.freezes.scope import Scope, require_manage
from policies.freezes.views.common import offered_scopes
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.http import PersonRequest, attempt, form_page


@require_http_methods(["GET", "POST"])
def upload(request: PersonRequest) -> HttpResponse:
    """Choose a file; what it holds is shown before anything counts."""
    scopes = offered_scopes(request.user, required=True)
    form = UploadForm(
        request.POST or None,
        request.FILES or None,
        scopes=scopes,
        initial={"zone": request.user.time_zone},
    )
    if shown := attempt(form, _preview, request=request, scopes=scopes):
        return shown
    return form_page(
        request,
        form,
        title=_("Import a calendar file"),
        submit=_("Show what it holds"),
        cancel=reverse("freezes"),
    )


@transaction.atomic
def _preview(
    *, request: PersonRequest, scopes: list[Scope], scope: Scope, kind: str, zone: str, file: bytes
) -> HttpResponse:
    """The page that shows what importing would do, and asks."""
    require_manage(request.user, scope)
    events = read_upload(file, zone)
    plan = plan_upload(scope, kind, events)
    given = {"scope": scope.key, "kind": kind, "zone": zone, "text": file.decode("utf-8-sig")}
    changed = [event for _window, event in plan.changed]
    words = {"new": _("new"), "changed": _("changed"), "same": _("there already")}
    context = {
        "form": ConfirmUploadForm(scopes=scopes, initial=given),
        "where": scope,
        "moves": plan.moves,
        "rows": [
            *(_row("new", words["new"], event) for event in plan.new),
            *(_row("changed", words["changed"], event) for event in changed),
            *(_row("same", words["same"], event) for event in plan.same),
        ],
    }
    return render(request, "policies/freezes/preview.html", context)


def _row(state: str, word: str, event: Event) -> dict[str, Any]:
    at = now()
    coming = next(occurrences(event.series, at, at + HORIZON), None)
    return {"state": state, "word": word, "event": event, "coming": coming}


@require_POST
def upload_confirm(request: PersonRequest) -> HttpResponse:
    """Import what was shown."""
    scopes = offered_scopes(request.user, required=True)
    form = ConfirmUploadForm(request.POST, scopes=scopes)
    plan = attempt(form, import_file, by=request.user)
    if plan is None:
        raise Conflict(_("The file cannot be imported any more. Choose it again."))
    count = len(plan.new) + len(plan.changed)
    messages.success(
        request,
        ngettext("%(n)d window imported.", "%(n)d windows imported.", count) % {"n": count},
    )
    return redirect("freezes")
