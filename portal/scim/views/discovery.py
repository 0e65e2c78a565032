"""What this service is: its configuration, resource types and schemas (RFC 7644, 4)."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from scim2_models import (
    Context,
    ForbiddenException,
    ListResponse,
    Meta,
    NotFoundException,
    NotImplementedException,
    ResourceType,
    Schema,
)

from portal.scim.models import Directory
from portal.scim.present import BASE
from portal.scim.resources import PROVIDER
from portal.scim.views.door import answer, door


def _placed(found: Any, path: str) -> Any:
    location = f"{settings.PUBLIC_URL}{BASE}/{path}"
    meta = Meta(resource_type=type(found).__name__, location=location)
    return found.model_copy(update={"meta": meta})


def _dump(found: Any) -> HttpResponse:
    return answer(found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))


def _all(request: HttpRequest, folder: str, model: Any, found: Iterable[Any]) -> HttpResponse:
    if "filter" in request.GET:  # as RFC 7644, 4 wants it
        raise ForbiddenException(detail="What describes the service is not filtered.")
    placed = [_placed(one, f"{folder}/{one.id}") for one in found]
    return _dump(
        ListResponse[model](
            total_results=len(placed),
            start_index=1,
            items_per_page=len(placed),
            resources=placed,
        )
    )


def _one(folder: str, found: Iterable[Any], id: str) -> HttpResponse:
    for one in found:
        if str(one.id).lower() == id.lower():
            return _dump(_placed(one, f"{folder}/{one.id}"))
    raise NotFoundException(detail=f"There is no {id} among {folder}.")


@door("GET")
def service_provider_config(request: HttpRequest, directory: Directory) -> HttpResponse:
    """What is supported."""
    return _dump(_placed(PROVIDER.config, "ServiceProviderConfig"))


@door("GET")
def resource_types(request: HttpRequest, directory: Directory) -> HttpResponse:
    """Users and groups."""
    return _all(request, "ResourceTypes", ResourceType, PROVIDER.resource_types)


@door("GET")
def resource_type(request: HttpRequest, directory: Directory, id: str) -> HttpResponse:
    """One of them."""
    return _one("ResourceTypes", PROVIDER.resource_types, id)


@door("GET")
def schemas(request: HttpRequest, directory: Directory) -> HttpResponse:
    """Every attribute that is kept."""
    return _all(request, "Schemas", Schema, PROVIDER.schemas)


@door("GET")
def schema(request: HttpRequest, directory: Directory, id: str) -> HttpResponse:
    """The attributes of one kind."""
    return _one("Schemas", PROVIDER.schemas, id)


@door("GET", "POST", "PUT", "PATCH", "DELETE")
def not_there(request: HttpRequest, directory: Directory) -> HttpResponse:
    """What RFC 7644 describes and leaves to the service: /Me, /Bulk, a search of everything."""
    raise NotImplementedException(detail="This is not supported. Search /Users or /Groups.")
