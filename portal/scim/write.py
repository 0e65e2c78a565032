"""Every change that a directory makes: one transaction, in which the directory is locked.

So its changes come one by one, and none comes after it was archived or somebody was taken from it.
"""

from typing import Any

from django.db import transaction
from scim2_models import PatchOp

from portal.scim.directories import lock_directory
from portal.scim.kinds import Kind
from portal.scim.models import Directory


@transaction.atomic
def add(kind: Kind, directory: Directory, wanted: Any) -> Any:
    """The new resource. Raises Refused."""
    directory = lock_directory(directory)
    return kind.shown(directory, kind.add(directory, wanted))


@transaction.atomic
def replace(kind: Kind, directory: Directory, id: str, wanted: Any) -> Any:
    """The resource, which is now as `wanted` says. Raises NotFoundException, Refused."""
    directory = lock_directory(directory)
    row = kind.find(directory, id)
    before = kind.shown(directory, row)
    if wanted.replace(before):
        kind.change(row, wanted)
    return kind.shown(directory, row)


@transaction.atomic
def patch(kind: Kind, directory: Directory, id: str, operations: "PatchOp[Any]") -> Any:
    """The resource after all `operations`, or none. Raises SCIMException, Refused."""
    directory = lock_directory(directory)
    row = kind.find(directory, id)
    resource = kind.shown(directory, row)
    if operations.patch(resource):
        kind.change(row, resource)
    return kind.shown(directory, row)


@transaction.atomic
def remove(kind: Kind, directory: Directory, id: str) -> None:
    """The directory finds it no more. Raises NotFoundException, Refused."""
    directory = lock_directory(directory)
    kind.remove(kind.find(directory, id))
