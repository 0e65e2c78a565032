"""Pages of windows: the list of everything, one window, its forms."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from policies.freezes.forms import WindowChangeForm, WindowForm, initial_of
from policies.freezes.models import FreezeWindow
from policies.freezes.queries import (
    calendars,
    exceptions_in_force,
    is_stale,
    load_window,
    next_periods,
    window_rows,
)
from policies.freezes.scope import may_manage, require_manage, scope_of
from policies.freezes.views.common import offered_scopes
from policies.freezes.windows import (
    change_window,
    create_window,
    end_window,
    remove_window,
    running_period,
)
from portal.kernel.clock import now
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page

SHOWN = 100


@require_safe
def freezes(request: PersonRequest) -> HttpResponse:
    """What is in force now, what comes next, and who is exempt."""
    at, person = now(), request.user
    rows = window_rows(person, at)
    ours = offered_scopes(person)
    keys = {scope.key for scope in ours}
    coming = [row for row in rows if row.is_freeze and not row.running]
    imported = calendars(person)
    context = {
        "unknown": [one.name for one in imported if is_stale(one, at) and one.error],
        "running": [row for row in rows if row.is_freeze and row.running],
        "coming": coming[:SHOWN],
        "hidden": len(coming[SHOWN:]),
        "hours": [row for row in rows if not row.is_freeze],
        "exceptions": [
            (one, scope_of(one), f"project:{one.project_id}" in keys)
            for one in exceptions_in_force(person, at)
        ],
        "calendars": [
            (one, scope_of(one), scope_of(one).key in keys, is_stale(one, at)) for one in imported
        ],
        "may_change": bool(ours),
    }
    return render(request, "policies/freezes/freezes.html", context)


@require_safe
def freeze(request: PersonRequest, window_id: UUID) -> HttpResponse:
    """One window with its next periods."""
    window = load_window(request.user, window_id)
    at = now()
    over = window.removed_at is not None
    running = None if over else running_period(window.series, at)
    own = window.calendar_id is None and not over
    context = {
        "window": window,
        "where": scope_of(window),
        "running": running,
        "periods": [] if over else next_periods(window, at),
        "may_change": own and may_manage(request.user, scope_of(window)),
    }
    return render(request, "policies/freezes/window.html", context)


@require_http_methods(["GET", "POST"])
def freeze_new(request: PersonRequest) -> HttpResponse:
    """Add a window."""
    scopes = offered_scopes(request.user, required=True)
    form = WindowForm(request.POST or None, scopes=scopes, initial={"zone": request.user.time_zone})
    if made := attempt(form, create_window, by=request.user):
        messages.success(request, _("Added. Requests that wait there are judged again."))
        return redirect("freeze", made.pk)
    return form_page(
        request,
        form,
        title=_("New window"),
        submit=_("Add window"),
        cancel=reverse("freezes"),
        intro=_("During a freeze nothing runs where policy says so. Policies read it as ops.freeze "
                "and ops.business_hours."),
    )  # fmt: skip


def _load(request: PersonRequest, window_id: UUID) -> FreezeWindow:
    window = load_window(request.user, window_id)
    require_manage(request.user, scope_of(window))
    return window


def _address(window: FreezeWindow) -> str:
    return reverse("freeze", args=[window.pk])


@require_http_methods(["GET", "POST"])
def freeze_edit(request: PersonRequest, window_id: UUID) -> HttpResponse:
    """Change when a window is, or why."""
    window = _load(request, window_id)
    form = WindowChangeForm(request.POST or None, initial=initial_of(window))
    if attempt(form, change_window, by=request.user, window=window):
        messages.success(request, _("Changed. Requests that wait there are judged again."))
        return redirect(_address(window))
    return form_page(
        request,
        form,
        title=_("Change %(reason)s") % {"reason": window.reason},
        submit=_("Save"),
        cancel=_address(window),
    )


@require_http_methods(["GET", "POST"])
def freeze_end(request: PersonRequest, window_id: UUID) -> HttpResponse:
    """End the period that runs now, after asking."""
    window = _load(request, window_id)
    again = _("It comes again as its rule says.") if window.rule else _("It does not come again.")
    question = ask_first(
        request,
        title=_("End “%(reason)s” now?") % {"reason": window.reason},
        text=_("It stops counting at once, and requests that wait there are judged again.")
        + f" {again}",
        submit=_("End it now"),
        cancel=_address(window),
    )
    if question:
        return question
    end_window(by=request.user, window=window)
    messages.success(request, _("Ended. Requests that wait there are judged again."))
    return redirect("freezes")


@require_http_methods(["GET", "POST"])
def freeze_remove(request: PersonRequest, window_id: UUID) -> HttpResponse:
    """Remove a window, after asking."""
    window = _load(request, window_id)
    question = ask_first(
        request,
        title=_("Remove “%(reason)s”?") % {"reason": window.reason},
        text=_("It stops counting at once, now and every time it would come again. Requests that "
               "wait there are judged again. What it did stays on record."),
        submit=_("Remove window"),
        cancel=_address(window),
    )  # fmt: skip
    if question:
        return question
    remove_window(by=request.user, window=window)
    messages.success(request, _("Removed. Requests that wait there are judged again."))
    return redirect("freezes")
