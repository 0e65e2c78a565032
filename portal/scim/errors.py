"""Errors as SCIM has them (RFC 7644, 3.12): a status, a keyword where there is one, a sentence."""

import orjson
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from pydantic import ValidationError
from scim2_models import Error, SCIMException

from portal.kernel.database import AWAY
from portal.kernel.errors import Conflict, Invalid, Refused

CONTENT_TYPE = "application/scim+json"
RETRY_AFTER = 5  # seconds


class Taken(Conflict):
    """Somebody else has this name already."""

    code = "uniqueness"


def error_of(error: Exception) -> HttpResponse | None:
    """The answer for what was raised; None for what nobody foresaw."""
    if isinstance(error, SCIMException):
        found = error.to_error()
    elif isinstance(error, ValidationError):
        found = Error.from_validation_errors(error)[0]
    elif isinstance(error, Refused):
        found = _refusal(error)
    elif isinstance(error, AWAY):
        found = Error(status=503, detail="The portal's database does not answer. Try again.")
    else:
        return None
    return _answer(found)


def _refusal(error: Refused) -> Error:
    if isinstance(error, Invalid):
        return Error(status=400, scim_type="invalidValue", detail=error.sentence)
    keyword = error.code if isinstance(error, Taken) else None
    return Error(status=error.status, scim_type=keyword, detail=error.sentence)


def _answer(error: Error) -> HttpResponse:
    status = error.status or 400
    body = orjson.dumps(error.model_dump())
    response = HttpResponse(body, status=status, content_type=CONTENT_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="countersign"'
    elif status == 503:
        response["Retry-After"] = str(RETRY_AFTER)
    return response


# What Django answers by itself.
_BY_ITSELF = {
    400: "The portal cannot read this call.",
    404: "There is no such address. See /scim/v2/ResourceTypes for those there are.",
    405: "This address knows other methods; the Allow header names them.",
    500: "The portal failed. Try again; the error was logged.",
}


def as_error(response: HttpResponseBase) -> HttpResponseBase:
    """The same refusal and headers in the form of SCIM; what has a form stays as it is."""
    known = _BY_ITSELF.get(response.status_code)
    if known is None or response.get("Content-Type", "") == CONTENT_TYPE:
        return response
    found = _answer(Error(status=response.status_code, detail=known))
    found["Content-Length"] = str(len(found.content))
    for name, value in response.items():
        found.headers.setdefault(name, value)
    return found
