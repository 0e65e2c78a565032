"""Addresses of the log for programs: they read it as C2SP tlog-tiles says."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from approvals.audit.log import checkpoint_note, consistency_proof, inclusion_proof, log_tile
from approvals.views.http import PersonRequest

# What a tile has at its address it has for ever.
FOR_EVER = "private, max-age=31536000, immutable"


@require_safe
def log_checkpoint(request: PersonRequest) -> HttpResponse:
    """The newest checkpoint, a signed note."""
    note = checkpoint_note(by=request.user, key=request.GET.get("key", ""))
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(note, content_type="text/plain; charset=utf-8", headers=headers)


@require_safe
def tile(request: PersonRequest, tile: str) -> HttpResponse:
    """Hashes, or entries in a bundle."""
    authn = "token" if "Authorization" in request.headers else "session"
    found = log_tile(by=request.user, authn=authn, path=f"tile/{tile}")
    headers = {"Cache-Control": FOR_EVER}
    return HttpResponse(found, content_type="application/octet-stream", headers=headers)


@require_safe
def log_inclusion(request: PersonRequest) -> JsonResponse:
    """The proof that a leaf is in the log."""
    return _proof(inclusion_proof(by=request.user, query=request.GET.dict()))


@require_safe
def log_consistency(request: PersonRequest) -> JsonResponse:
    """The proof that the log only grew."""
    return _proof(consistency_proof(by=request.user, query=request.GET.dict()))


def _proof(proof: dict[str, Any]) -> JsonResponse:
    return JsonResponse(proof, headers={"Cache-Control": "no-store"})
