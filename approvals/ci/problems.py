"""Errors as `application/problem+json` (RFC 9457): a stable code, and a sentence that helps."""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from portal.kernel.database import AWAY
from portal.kernel.errors import Refused
from portal.kernel.ids import new_id
from portal.kernel.text import on_one_line

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = 5  # seconds

# Every code the API can answer with, and what it means: also the page behind `type`.
CODES: dict[str, str] = {
    "malformed-json": "The body is not JSON.",
    "bad-header": "A header is missing or malformed.",
    "unauthenticated": "There is no usable token.",
    "token-expired": "The token's time is over.",
    "token-used": "The workload token was used before; each counts once.",
    "untrusted": "No trust of the project accepts the workload token.",
    "forbidden": "The token may not do this.",
    "missing-scope": "The token lacks a scope.",
    "foreign-environment": "The token is limited to other environments.",
    "another-run": "Another run made this request.",
    "not-found": "It does not exist, or not for this token.",
    "method-not-allowed": "This address knows other methods.",
    "idempotency-mismatch": "The Idempotency-Key was used for another body.",
    "not-approved": "There is nothing to redeem.",
    "drift": "The world moved after the approval; the request is back in the queue.",
    "illegal-state": "The state of things does not allow this any more.",
    "already-running": "Another process of the run attempt began with this permit.",
    "archived": "The environment or its project is archived; restore it first.",
    "expired": "Its time is over.",
    "too-large": "The body is too large.",
    "unsupported-media-type": "Send application/json.",
    "invalid": "A field is wrong; `errors` says which.",
    "plan-mismatch": "The plan that was sent is not the one the subject names.",
    "no-eligible-approver": "Nobody who may decide is left.",
    "broken-policy": "A policy in force cannot be read; nothing is approved until it can.",
    "rate-limited": "Too many calls.",
    "unavailable": "A part of the portal does not answer; try again.",
    "internal": "The portal failed; `instance` names the entry in its log.",
}


def problem_body(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """What a problem says; `extra` are further members."""
    return {
        "type": f"{settings.PUBLIC_URL}/api/v1/problems#{code}",
        "title": CODES.get(code, HTTPStatus(status).phrase),
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }


def problem(status: int, code: str, detail: str, **extra: Any) -> HttpResponse:
    """One problem+json answer."""
    body = orjson.dumps(problem_body(status, code, detail, **extra))
    response = HttpResponse(body, status=status, content_type=CONTENT_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="countersign"'
    elif status == 503:
        response["Retry-After"] = str(RETRY_AFTER)
    return response


@require_safe
def problem_page(request: HttpRequest) -> HttpResponse:
    """What `type` of a problem points to: every code with its meaning."""
    lines = [f"{code}\n    {meaning}\n" for code, meaning in sorted(CODES.items())]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


def problem_of(error: Exception) -> HttpResponse:
    """The answer for whatever was raised: a refusal's own words, or that the portal failed."""
    if isinstance(error, Refused):
        return problem(error.status, error.code, error.sentence, **error.extra)
    if isinstance(error, AWAY):
        log.warning("the database does not answer: %s", str(error).strip()[:200])
        return problem(503, "unavailable", "The portal's database does not answer. Try again.")
    instance = f"urn:uuid:{new_id()}"
    log.error("unexpected error, %s", instance, exc_info=error)
    sentence = f"The portal failed. Try again, or tell its operators {instance}: it is in the log."
    return problem(500, "internal", sentence, instance=instance)


# What Django and ninja answer by themselves, before any call of ours is found.
_BY_ITSELF = {
    400: ("bad-header", f"The portal cannot read this call. Send it to {settings.PUBLIC_URL}."),
    403: ("forbidden", "This call is not allowed here. See /api/v1/docs for those that are."),
    404: ("not-found", "The API has no such address. See /api/v1/docs for those it has."),
    405: ("method-not-allowed", "This address knows other methods; the Allow header names them."),
    500: ("internal", "The portal failed. Try again; the error was logged."),
}


def as_problem(response: HttpResponseBase) -> HttpResponseBase:
    """The same refusal and headers in the form of the contract; what has a form stays as it is."""
    known = _BY_ITSELF.get(response.status_code)
    if known is None or not response.get("Content-Type", "").startswith("text/html"):
        return response
    found = problem(response.status_code, *known)
    found["Content-Length"] = str(len(found.content))
    for name, value in response.items():
        found.headers.setdefault(name, value)
    return found


def as_line(response: HttpResponseBase) -> HttpResponseBase:
    """A problem as `no CODE: SENTENCE`, for who cannot read JSON; the headers stay."""
    if not isinstance(response, HttpResponse) or response.get("Content-Type") != CONTENT_TYPE:
        return response
    found = orjson.loads(response.content)
    response.content = f"no {found['code']}: {on_one_line(found['detail'])}\n"
    response["Content-Type"] = "text/plain; charset=utf-8"
    response["Content-Length"] = str(len(response.content))
    return response
