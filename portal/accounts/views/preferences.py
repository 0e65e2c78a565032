"""What a person sets for themselves."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.accounts.forms import PreferencesForm
from portal.accounts.people import change_settings
from portal.kernel.http import PersonRequest, attempt, form_page


@require_http_methods(["GET", "POST"])
def preferences(request: PersonRequest) -> HttpResponse:
    """Time zone, colours, single keys. The menu of every page posts the colours alone."""
    if request.method == "POST" and "time_zone" not in request.POST and "theme" in request.POST:
        change_settings(by=request.user, theme=request.POST["theme"])
        return HttpResponseRedirect(_next(request))
    form = PreferencesForm(request.POST or None, instance=request.user)
    if attempt(form, change_settings, by=request.user):
        messages.success(request, _("Preferences saved."))
        return redirect("preferences")
    return form_page(
        request, form, title=_("Preferences"), submit=_("Save"), cancel=reverse("queue")
    )


def _next(request: PersonRequest) -> str:
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return reverse("preferences")
