"""Kubernetes asks before it runs a workload: AdmissionReview v1 in, AdmissionReview v1 out."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from approvals.audit.admission import Admission, admit
from approvals.ci.body import Malformed, too_large
from approvals.ci.identity import token_of
from portal.kernel.errors import Invalid

MOST_BYTES = 7 * 1024 * 1024  # an object has at most 1.5 MiB in etcd; a review holds two, in JSON
KIND = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}


@require_POST
def admission(request: HttpRequest, secret: str = "") -> HttpResponse:
    """The answer to one review. All that goes wrong is no answer: then Kubernetes refuses.

    Many clusters cannot send a header of ours, so the token may stand in the address.
    """
    header = f"Bearer {secret}" if secret else request.headers.get("Authorization", "")
    token = token_of(header)
    asked = _asked(request)
    return JsonResponse({**KIND, "response": _response(asked["uid"], admit(token, asked))})


def _asked(request: HttpRequest) -> dict[str, Any]:
    """The `request` of the review, with a text as `uid`. Raises TooLarge, Malformed, Invalid."""
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise too_large(MOST_BYTES)
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not valid JSON: {error}.") from None
    asked = review.get("request") if isinstance(review, dict) else None
    if not isinstance(asked, dict) or {name: review.get(name) for name in KIND} != KIND:
        raise Invalid("Send an AdmissionReview of admission.k8s.io/v1 with a request.")
    if not isinstance(asked.get("uid"), str):
        raise Invalid("The request of an AdmissionReview has a uid.")
    return asked


def _response(uid: str, answer: Admission) -> dict[str, Any]:
    if answer.refusal:
        status = {"code": 403, "reason": "Forbidden", "message": answer.refusal}
        return {"uid": uid, "allowed": False, "status": status}
    permits = ",".join(str(permit) for permit in answer.permits)
    return {"uid": uid, "allowed": True, "auditAnnotations": {"permits": permits}}
