"""Users and groups: searched, read, added, replaced, patched, removed (RFC 7644, 3)."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from scim2_models import (
    Context,
    InvalidFilterException,
    ListResponse,
    ResponseParameters,
    SearchRequest,
)

from portal.scim.filters import MOST_CHARACTERS, condition
from portal.scim.kinds import Kind
from portal.scim.models import Directory
from portal.scim.patch import patch_of
from portal.scim.resources import DEFAULT_PAGE, MOST_ON_PAGE
from portal.scim.views.door import answer, body_of, door
from portal.scim.write import add, patch, remove, replace

SELECT = ("attributes", "excludedAttributes")
SEARCH = ("filter", "startIndex", "count", *SELECT)
LAST = 1_000_000_000  # nothing is so far down a list


@door("GET", "POST")
def collection(request: HttpRequest, directory: Directory, kind: Kind) -> HttpResponse:
    """Search what the directory keeps, or add to it."""
    if request.method == "GET":
        return _search(_given(request, SEARCH), directory, kind)
    context = Context.RESOURCE_CREATION_REQUEST
    wanted = kind.model.model_validate(body_of(request), scim_ctx=context)
    return _shown(request, kind, add(kind, directory, wanted), status=201)


@door("POST")
def search(request: HttpRequest, directory: Directory, kind: Kind) -> HttpResponse:
    """Search with a body, for what should not stand in an address."""
    body = body_of(request)
    return _search({name: body[name] for name in SEARCH if name in body}, directory, kind)


@door("GET", "PUT", "PATCH", "DELETE")
def resource(request: HttpRequest, directory: Directory, kind: Kind, id: str) -> HttpResponse:
    """Read, replace, patch or remove one."""
    if request.method == "DELETE":
        remove(kind, directory, id)
        return HttpResponse(status=204)
    if request.method == "PUT":
        context = Context.RESOURCE_REPLACEMENT_REQUEST
        wanted = kind.model.model_validate(body_of(request), scim_ctx=context)
        return _shown(request, kind, replace(kind, directory, id, wanted))
    if request.method == "PATCH":
        patched = patch(kind, directory, id, patch_of(kind.model, body_of(request)))
        if kind.quiet and not any(name in request.GET for name in SELECT):
            return HttpResponse(status=204)
        return _shown(request, kind, patched)
    return _shown(request, kind, kind.shown(directory, kind.find(directory, id)))


def _given(request: HttpRequest, names: tuple[str, ...]) -> dict[str, str]:
    return {name: request.GET[name] for name in names if name in request.GET}


def _shown(request: HttpRequest, kind: Kind, found: Any, status: int = 200) -> HttpResponse:
    wanted = ResponseParameters[kind.model].model_validate(_given(request, SELECT))  # type: ignore[name-defined]
    context = Context.RESOURCE_QUERY_RESPONSE
    return answer(found.model_dump(scim_ctx=context, response_parameters=wanted), status)


def _search(asked: dict[str, Any], directory: Directory, kind: Kind) -> HttpResponse:
    if len(str(asked.get("filter", ""))) > MOST_CHARACTERS:
        raise InvalidFilterException(detail=f"A filter has at most {MOST_CHARACTERS} characters.")
    search = SearchRequest[kind.model].model_validate(asked)  # type: ignore[name-defined]
    rows = kind.rows(directory).order_by("pk")
    if search.filter:
        rows = rows.filter(condition(search.filter, kind.columns, directory))
    start = min(search.start_index or 1, LAST)
    count = min(DEFAULT_PAGE if search.count is None else search.count, MOST_ON_PAGE)
    found = kind.show(directory, rows[start - 1 : start - 1 + count])
    message = ListResponse[kind.model](  # type: ignore[name-defined]
        total_results=rows.count(),
        start_index=start,
        items_per_page=len(found),
        resources=found,
    )
    context = Context.RESOURCE_QUERY_RESPONSE
    return answer(message.model_dump(scim_ctx=context, response_parameters=search))
