"""The way in for directories: a known method, a token, a body of JSON, an answer in SCIM's form."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from scim2_models import InvalidSyntaxException

from portal.kernel.errors import Refused, TooLarge
from portal.scim.errors import CONTENT_TYPE
from portal.scim.resources import PROVIDER
from portal.scim.tokens import authenticate_directory

MOST_BYTES = 1024 * 1024
JSON_TYPES = frozenset({CONTENT_TYPE, "application/json"})

View = Callable[..., HttpResponse]


class WrongMedia(Refused):
    """Another content type than JSON."""

    status = 415
    code = "unsupported-media-type"


def door(*methods: str) -> Callable[[View], View]:
    """Let directories in by these methods; the view gets the directory after the request.

    What is refused is raised: the middleware answers in SCIM's form.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: HttpRequest, **parts: Any) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            directory = authenticate_directory(request.headers.get("Authorization", ""))
            with PROVIDER:
                return view(request, directory, **parts)

        return wrapper

    return decorate


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was sent. Raises WrongMedia, TooLarge, InvalidSyntaxException."""
    if request.content_type not in JSON_TYPES:
        raise WrongMedia(f"Send the body as Content-Type: {CONTENT_TYPE}.")
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise TooLarge(f"The body is over {MOST_BYTES} bytes. Send less.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidSyntaxException(detail=f"The body is not valid JSON: {error}.") from None
    if not isinstance(found, dict):
        raise InvalidSyntaxException(detail="The body must be a JSON object.")
    return found


def answer(found: dict[str, Any], status: int = 200) -> HttpResponse:
    """One answer; a resource says where it is."""
    response = HttpResponse(orjson.dumps(found), status=status, content_type=CONTENT_TYPE)
    if location := found.get("meta", {}).get("location"):
        response["Location" if status == 201 else "Content-Location"] = location
    return response
