"""To a provider and back, to confirm before deciding. Nobody is signed in or out by it."""

from uuid import UUID

from allauth.socialaccount.internal.statekit import stash_state, unstash_state
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from approvals.lifecycle.step_up_elsewhere import confirm_elsewhere, leave, to_keep
from approvals.views.http import PersonRequest
from approvals.views.step_up import back, confirmed, occasion_of, show_ways
from portal.kernel.errors import Conflict, Forbidden


@never_cache
@require_POST
def step_up_leave(request: PersonRequest, request_id: UUID, provider_id: UUID) -> HttpResponse:
    """On the way to the provider; a page that goes on by itself, as for signing in."""
    occasion = occasion_of(request, request_id, request.POST.get("snapshot", ""))
    try:
        provider, way = leave(request.user, occasion, provider_id)
    except (Conflict, Forbidden) as refusal:
        return back(request, occasion, refusal)
    kept = to_keep(request.user, occasion, way)
    stash_state(request, provider_id=_place(provider_id), state_id=way.state, state=kept)
    answer = render(request, "portal/sign_in_going.html", {"provider": provider, "url": way.url})
    answer["Refresh"] = f"0; url={way.url}"
    return answer


@never_cache
@require_GET
def step_up_return(request: PersonRequest, provider_id: UUID) -> HttpResponse:
    """Back from the provider. Its code is good once, for what was begun in this browser."""
    state = request.GET.get("state", "")
    kept = unstash_state(request, state_id=state, provider_id=_place(provider_id))
    if kept is None:
        raise Forbidden(_("It took too long, or did not begin in this browser."))
    occasion = occasion_of(request, UUID(kept["request"]), kept["snapshot"])
    code = request.GET.get("code", "")
    if not code:
        return show_ways(request, occasion, Forbidden(_("It was cancelled there.")))
    try:
        confirm_elsewhere(
            by=request.user, occasion=occasion, provider_id=provider_id, kept=kept, code=code
        )
    except Forbidden as refusal:
        return show_ways(request, occasion, refusal)
    except Conflict as refusal:
        return back(request, occasion, refusal)
    return confirmed(request, occasion)


def _place(provider_id: UUID) -> str:
    """Where the session keeps the state: not where a sign-in would look for it."""
    return f"confirm:{provider_id}"
