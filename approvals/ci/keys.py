"""The public keys that verify permits; retired ones stay in the list."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from approvals.models import SigningKey
from portal.kernel.clock import rfc3339


@require_safe
def keys(request: HttpRequest) -> JsonResponse:
    """A JWK set with purpose, status and beginning of each key."""
    found = [
        {
            "kid": key.kid,
            **key.jwk,
            "purpose": key.purpose,
            "status": key.status,
            "not_before": rfc3339(key.created_at),
        }
        for key in SigningKey.objects.order_by("created_at")
    ]
    response = JsonResponse({"keys": found})
    response["Cache-Control"] = "public, max-age=60"
    return response
