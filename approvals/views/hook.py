"""Where outside systems say that something changed there, and the secret they need for it."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from approvals.connections.hear import hear
from approvals.connections.hook import renew_hook
from approvals.connections.queries import load_connection
from portal.kernel.errors import TooLarge
from portal.kernel.http import PersonRequest, ask_first

MOST_BYTES = 1024 * 1024


@require_POST
def hook(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """One delivery. What waits is read again by the workers, not by this call."""
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise TooLarge(_("The delivery is over 1 MiB."))
    return JsonResponse({"status": hear(connection_id, request.headers, body)})


@never_cache
@require_http_methods(["GET", "POST"])
def connection_hook(request: PersonRequest, connection_id: UUID) -> HttpResponse:
    """Renew the secret of a connection's hook, after asking; it is shown once."""
    found = load_connection(request.user, connection_id)
    page = reverse("connection", args=[found.pk])
    question = ask_first(
        request,
        title=_("New secret for the hook of %(name)s?") % {"name": found.name},
        text=_("The system can then tell the portal at once that something changed there. A secret "
               "from before is void: enter the new one there, or its deliveries are refused."),
        submit=_("Make a new secret"),
        cancel=page,
    )  # fmt: skip
    if question:
        return question
    context = {
        "title": _("Secret of the hook"),
        "text": _("Enter it in the outside system now, as secret of a webhook to %(address)s; "
                  "nobody can show it again.") % {"address": hook_address(found.pk)},
        "secret": renew_hook(by=request.user, connection=found),
        "next": page,
    }  # fmt: skip
    return render(request, "portal/secret.html", context)


def hook_address(connection_id: UUID) -> str:
    """Where the outside system sends its deliveries."""
    return f"{settings.PUBLIC_URL}{reverse('hook', args=[connection_id])}"
