"""What every page's frame needs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal.access import Capability, holds


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Version, theme and the menu's permissions."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "portal_version": settings.VERSION,
        "portal_url": settings.PUBLIC_URL,
        "theme": getattr(user, "theme", "system") if signed_in else "system",
        "is_administrator": signed_in and holds(user, Capability.ADMINISTER),
    }
