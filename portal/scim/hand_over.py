"""Handing people and approver groups to a directory, and taking them back. Administrators only."""

from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.accounts.people import lock_person
from portal.directory.models import ApproverGroup
from portal.kernel.errors import Conflict, Forbidden, NotFound
from portal.kernel.validation import check_row
from portal.ledger.actors import person_actor
from portal.ledger.record import record
from portal.scim.directories import describe, lock_directory
from portal.scim.models import Directory, KeptGroup, KeptPerson


@transaction.atomic
def give_person(*, by: Any, directory: Directory, person: Any) -> KeptPerson:
    """Let the directory change and deactivate `person`.

    Raises Forbidden for oneself, Conflict for somebody whom a directory keeps.
    """
    require(by, Capability.ADMINISTER)
    if by.pk == person.pk:
        raise Forbidden(
            "You cannot hand yourself over. Ask another administrator.", code="own-account"
        )
    directory, person = lock_directory(directory), lock_person(person)
    if other := KeptPerson.objects.filter(person=person).first():
        raise Conflict(f"{person} is kept by {other.directory} already.", code="kept")
    profile: dict[str, Any] = {"displayName": person.name}
    if person.email:
        profile["emails"] = [{"value": person.email, "primary": True}]
    kept = KeptPerson.objects.create(directory=directory, person=person, profile=profile)
    _record("directory.given", by, directory, person=str(person.actor_ref))
    return kept


@transaction.atomic
def give_group(
    *, by: Any, directory: Directory, group: ApproverGroup, display_name: str = ""
) -> KeptGroup:
    """Let the directory say who is in `group`, beside whom its managers add by hand.

    `display_name` is what it is called over there, where that is not its name here. Raises
    Forbidden, Invalid, Conflict for a group that a directory keeps.
    """
    require(by, Capability.ADMINISTER)
    directory = lock_directory(directory)
    group = ApproverGroup.objects.select_for_update().get(pk=group.pk)
    if other := KeptGroup.objects.filter(group=group).first():
        raise Conflict(f"{group} is kept by {other.directory} already.", code="kept")
    kept = KeptGroup(directory=directory, group=group, display_name=display_name or group.name)
    check_row(kept, ["display_name"])
    kept.save()
    _record("directory.given", by, directory, group=str(group.pk))
    return kept


@transaction.atomic
def take_person(*, by: Any, directory: Directory, person: Any) -> None:
    """The directory changes `person` no more; what they are and hold stays. Raises Forbidden,
    NotFound, Conflict for an archived directory."""
    require(by, Capability.ADMINISTER)
    directory = lock_directory(directory)
    removed, _ = KeptPerson.objects.filter(directory=directory, person=person).delete()
    if not removed:
        raise NotFound("This directory does not keep this person.")
    _record("directory.taken", by, directory, person=str(person.actor_ref))


@transaction.atomic
def take_group(*, by: Any, directory: Directory, group: ApproverGroup) -> None:
    """The directory changes `group` no more; who is in it stays in it. Raises Forbidden,
    NotFound, Conflict for an archived directory."""
    require(by, Capability.ADMINISTER)
    directory = lock_directory(directory)
    removed, _ = KeptGroup.objects.filter(directory=directory, group=group).delete()
    if not removed:
        raise NotFound("This directory does not keep this group.")
    _record("directory.taken", by, directory, group=str(group.pk))


def _record(event: str, by: Any, directory: Directory, **what: str) -> None:
    record(event, actor=person_actor(by), object={**describe(directory), **what})
