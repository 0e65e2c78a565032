"""Connecting a directory, renewing its token, archiving it. Administrators only."""

from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.validation import insert_row
from portal.ledger.actors import person_actor
from portal.ledger.change import change
from portal.ledger.record import record
from portal.scim.models import Directory
from portal.scim.tokens import new_token


def describe(directory: Directory) -> dict[str, str]:
    """The directory as the object of an entry."""
    return {"kind": "directory", "id": str(directory.pk), "name": directory.name}


def lock_directory(directory: Directory) -> Directory:
    """Its row, locked until the transaction ends. Raises Conflict for an archived one."""
    found = Directory.objects.select_for_update().get(pk=directory.pk)
    if found.archived_at is not None:
        raise Conflict(f"{found} is archived. Connect another one.", code="archived")
    return found


@transaction.atomic
def create_directory(*, by: Any, name: str) -> tuple[Directory, str]:
    """Connect a directory, which keeps nobody yet; it and its token. Raises Forbidden, Invalid."""
    require(by, Capability.ADMINISTER)
    directory = Directory(name=name, created_by=by)
    secret = new_token(directory)
    insert_row(directory)
    _record("directory.created", by, directory, prefix=directory.prefix)
    return directory, secret


@transaction.atomic
def renew_token(*, by: Any, directory: Directory) -> str:
    """Another token; the one before is refused from now on. Raises Forbidden, Conflict."""
    require(by, Capability.ADMINISTER)
    directory = lock_directory(directory)
    secret = new_token(directory)
    directory.save(update_fields=["prefix", "secret_hash", "renewed_at"])
    _record("directory.token_renewed", by, directory, prefix=directory.prefix)
    return secret


@transaction.atomic
def archive_directory(*, by: Any, directory: Directory) -> None:
    """Refuse it for good. Its people, groups and memberships stay as they are, kept by hand.

    Raises Forbidden, Conflict.
    """
    require(by, Capability.ADMINISTER)
    directory = lock_directory(directory)
    people, _ = directory.keptpersons.all().delete()
    groups, _ = directory.keptgroups.all().delete()
    directory.archived_at = now()
    directory.save(update_fields=["archived_at"])
    record(
        "directory.archived",
        actor=person_actor(by),
        object=describe(directory),
        change=change({"people": people, "groups": groups}, {"people": 0, "groups": 0}),
    )


def _record(event: str, by: Any, directory: Directory, **more: str) -> None:
    record(event, actor=person_actor(by), object={**describe(directory), **more})
