"""The operations of a PATCH, in the forms that Entra and Okta give them."""

from collections.abc import Iterator
from typing import Any

from scim2_models import Context, InvalidPathException, InvalidSyntaxException, PatchOp

from portal.scim.filters import MOST_CHARACTERS

MOST_OPERATIONS = 100
LISTS = frozenset({"members", "emails"})


def patch_of(model: Any, body: dict[str, Any]) -> "PatchOp[Any]":
    """What `body` would do to a resource of `model`. Raises ValidationError, SCIMException."""
    operations = body.get("Operations")
    if isinstance(operations, list):
        single = [one for found in operations for one in _single(found)]
        if len(single) > MOST_OPERATIONS:
            raise InvalidSyntaxException(detail=f"Send at most {MOST_OPERATIONS} operations.")
        body = {**body, "Operations": single}
    return PatchOp[model].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)


def _single(operation: Any) -> Iterator[Any]:
    """Entra puts paths with a filter among the names of a value: each is an operation."""
    if not isinstance(operation, dict):
        yield operation
        return
    path, value = operation.get("path"), operation.get("value")
    names = [path] if isinstance(path, str) else list(value) if isinstance(value, dict) else []
    if any(len(name) > MOST_CHARACTERS for name in names):
        raise InvalidPathException(detail=f"A path has at most {MOST_CHARACTERS} characters.")
    if isinstance(path, str) and str(operation.get("op")).lower() == "remove":
        yield _removal(operation, path, value)
        return
    if path or not isinstance(value, dict):
        yield operation
        return
    plain = {name: item for name, item in value.items() if "[" not in name}
    if plain or not value:
        yield {**operation, "value": plain}
    for name in value.keys() - plain.keys():
        yield {**operation, "path": name, "value": value[name]}


def _removal(operation: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """What goes from a list is named by its `value`, not compared by `$ref` or `display`; of
    anything else the path says all."""
    if path.rpartition(":")[2].lower() not in LISTS:
        return {name: item for name, item in operation.items() if name != "value"}
    if not value:
        return operation
    found = value if isinstance(value, list) else [value]
    return {**operation, "value": [{"value": _id(one)} for one in found]}


def _id(one: Any) -> Any:
    return one.get("value") if isinstance(one, dict) else one
