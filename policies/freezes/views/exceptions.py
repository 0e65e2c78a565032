"""Pages of exceptions from freezes."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from policies.freezes.exceptions import grant_exception, revoke_exception
from policies.freezes.forms import ExceptionForm
from policies.freezes.queries import load_exception
from policies.freezes.views.common import offered_scopes
from portal.access import Capability, holds, require
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page


@require_http_methods(["GET", "POST"])
def exception_new(request: PersonRequest) -> HttpResponse:
    """Grant an exception."""
    scopes = [s for s in offered_scopes(request.user, required=True) if s.project is not None]
    form = ExceptionForm(
        request.POST or None,
        scopes=scopes,
        administers=holds(request.user, Capability.ADMINISTER),
        initial={"zone": request.user.time_zone},
    )
    if attempt(form, grant_exception, by=request.user):
        messages.success(request, _("Granted. Requests that wait there are judged again."))
        return redirect("freezes")
    return form_page(
        request,
        form,
        title=_("New exception"),
        submit=_("Grant exception"),
        cancel=reverse("freezes"),
        intro=_("While it holds, freezes do not count there. Everything else that policy asks "
                "stays as it is."),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def exception_revoke(request: PersonRequest, exception_id: UUID) -> HttpResponse:
    """Revoke an exception, after asking."""
    exception = load_exception(request.user, exception_id)
    require(request.user, Capability.MAINTAIN, exception.project)
    question = ask_first(
        request,
        title=_("Revoke “%(name)s”?") % {"name": exception.name},
        text=_("Freezes count there again at once, also for what was approved and does not run "
               "yet."),
        submit=_("Revoke exception"),
        cancel=reverse("freezes"),
    )  # fmt: skip
    if question:
        return question
    revoke_exception(by=request.user, exception=exception)
    messages.success(request, _("Revoked. Requests that wait there are judged again."))
    return redirect("freezes")
