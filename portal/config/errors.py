"""Error pages: the same 404 for what does not exist and what is not yours to see."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from portal.kernel.errors import Refused


def page(request: HttpRequest, status: int, sentence: str = "", **context: Any) -> HttpResponse:
    """The error page for `status`, with the sentence that says what to do."""
    known = {400, 403, 404, 409, 410, 413, 422, 500, 503}
    template = f"errors/{status if status in known else 500}.html"
    words = {"sentence": sentence, **context}
    if status >= 500:  # no session, no person: the database may be what failed
        return HttpResponse(render_to_string(template, words), status=status)
    return render(request, template, words, status=status)


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """The error page for a refusal raised by a service."""
    return page(request, refusal.status, refusal.sentence, code=refusal.code)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 400)


def server_error(request: HttpRequest) -> HttpResponse:
    return page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form from an old page or another site."""
    return page(
        request,
        403,
        "This form is too old or came from elsewhere. Reload the page and try again.",
    )
