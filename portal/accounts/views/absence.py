"""Saying for oneself that one is out of office."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts.absence import end_absence, set_absence
from portal.accounts.forms import AbsenceForm
from portal.accounts.models import Absence
from portal.kernel.http import PersonRequest, attempt


@require_http_methods(["GET", "POST"])
def absence(request: PersonRequest) -> HttpResponse:
    """The days on which one is away; who asks one's approver groups sees them."""
    found = Absence.objects.filter(person=request.user).first()
    initial = {"first_day": found.first_day, "last_day": found.last_day} if found else {}
    form = AbsenceForm(request.POST or None, initial=initial)
    if attempt(form, set_absence, by=request.user):
        messages.success(request, _("Saved. Your approver groups show that you are away."))
        return redirect("absence")
    groups = request.user.memberships.select_related("group").order_by("group__name")
    context = {"form": form, "absence": found, "memberships": groups}
    return render(request, "portal/absence.html", context, status=422 if form.errors else 200)


@require_POST
def absence_end(request: PersonRequest) -> HttpResponse:
    """One is back."""
    end_absence(by=request.user)
    messages.success(request, _("Welcome back."))
    return redirect("absence")
