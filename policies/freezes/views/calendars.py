"""Pages of calendars imported by address."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from policies.freezes.calendars import add_calendar, remove_calendar, want_calendar
from policies.freezes.forms import CalendarForm
from policies.freezes.models import ImportedCalendar
from policies.freezes.queries import load_calendar
from policies.freezes.scope import require_manage, scope_of
from policies.freezes.views.common import offered_scopes
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page


@require_http_methods(["GET", "POST"])
def calendar_new(request: PersonRequest) -> HttpResponse:
    """Import a calendar by its address."""
    scopes = offered_scopes(request.user, required=True)
    form = CalendarForm(
        request.POST or None, scopes=scopes, initial={"zone": request.user.time_zone}
    )
    if attempt(form, add_calendar, by=request.user):
        messages.success(request, _("Added. It is read within a few seconds, then every quarter "
                                    "of an hour."))  # fmt: skip
        return redirect("freezes")
    return form_page(
        request,
        form,
        title=_("New calendar by address"),
        submit=_("Add calendar"),
        cancel=reverse("freezes"),
        intro=_("Its events count as long as it can be read. When it could not be read for a day, "
                "freezes there are unknown, and policies that deny in a freeze hold everything."),
    )  # fmt: skip


def _load(request: PersonRequest, calendar_id: UUID) -> ImportedCalendar:
    calendar = load_calendar(request.user, calendar_id)
    require_manage(request.user, scope_of(calendar))
    return calendar


@require_POST
def calendar_read(request: PersonRequest, calendar_id: UUID) -> HttpResponse:
    """Have a calendar read again at once."""
    calendar = _load(request, calendar_id)
    want_calendar(by=request.user, calendar=calendar)
    messages.success(request, _("It is read again within a few seconds."))
    return redirect("freezes")


@require_http_methods(["GET", "POST"])
def calendar_remove(request: PersonRequest, calendar_id: UUID) -> HttpResponse:
    """Remove a calendar and its windows, after asking."""
    calendar = _load(request, calendar_id)
    question = ask_first(
        request,
        title=_("Remove “%(name)s”?") % {"name": calendar.name},
        text=_("It is not read any more and its windows stop counting at once. Requests that wait "
               "there are judged again."),
        submit=_("Remove calendar"),
        cancel=reverse("freezes"),
    )  # fmt: skip
    if question:
        return question
    remove_calendar(by=request.user, calendar=calendar)
    messages.success(request, _("Removed. Requests that wait there are judged again."))
    return redirect("freezes")
