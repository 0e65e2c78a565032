"""The public keys that verify permits and checkpoints; retired ones stay in the list."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from approvals.audit.log import log_description
from approvals.models import SigningKey


@require_safe
def keys(request: HttpRequest) -> JsonResponse:
    """A JWK set with purpose, status and beginning of each key."""
    found = SigningKey.objects.order_by("created_at")
    return _public({"keys": [key.published() for key in found]})


@require_safe
def log_file(request: HttpRequest) -> JsonResponse:
    """The sealed log: where programs read it, and the keys that verify its checkpoints."""
    return _public(log_description())


def _public(found: dict[str, Any]) -> JsonResponse:
    return JsonResponse(found, headers={"Cache-Control": "public, max-age=60"})
