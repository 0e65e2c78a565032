"""What every page's frame needs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from approvals.queries.queue import waiting_for_you
from portal.access import Capability, holds, places_of
from portal.accounts.models import User


def _administers(user: User | None) -> bool:
    return user is not None and holds(user, Capability.ADMINISTER)


def _audits(user: User | None) -> bool:
    if user is None:
        return False
    places = places_of(user, Capability.AUDIT)
    return places.everywhere or bool(places.projects)


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Version, theme and the menu's permissions, which only a whole page reads."""
    person = getattr(request, "user", None)
    user = person if person is not None and person.is_authenticated else None
    return {
        "portal_version": settings.VERSION,
        "portal_url": settings.PUBLIC_URL,
        "theme": user.theme if user else "system",
        "is_administrator": SimpleLazyObject(lambda: _administers(user)),
        "is_auditor": SimpleLazyObject(lambda: _audits(user)),
        "queue_count": SimpleLazyObject(lambda: waiting_for_you(user) if user else ""),
    }
