"""Taking back: the request, or an approval that is not used yet."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from approvals.lifecycle.withdraw import revoke_request, withdraw_request
from approvals.views.decide import recorded, refused_note
from approvals.views.http import PersonRequest
from approvals.views.request import show
from portal.kernel.errors import Conflict, Forbidden, Invalid


@require_POST
def withdraw(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """Whoever answers for the request takes it back."""
    return _take_back(request, request_id, withdraw_request, _("Withdrawn"))


@require_POST
def revoke(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """Whoever approved, or a maintainer, takes the unused approval back."""
    return _take_back(request, request_id, revoke_request, _("Revoked"))


def _take_back(
    request: PersonRequest, request_id: UUID, service: Callable[..., int], word: str
) -> HttpResponse:
    reason = request.POST.get("reason", "")
    try:
        entry = service(by=request.user, request_id=request_id, reason=reason)
    except (Conflict, Forbidden, Invalid) as refusal:
        note = refused_note(refusal)
        return show(
            request, request_id, seen="", status=refusal.status, refusal=note, reason=reason
        )
    line = _("%(word)s. Entry %(entry)s.") % {"word": word, "entry": f"{entry:,}"}
    return recorded(request, request_id, line)
