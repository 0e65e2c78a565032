"""What a directory does to approver groups: adds them, names them, says who is in them.

Each runs in a transaction in which the directory is locked, so that its changes come one by one.
"""

from typing import Any
from uuid import UUID

from django.utils.text import slugify

from portal.accounts.models import User as Person
from portal.directory.groups import drop_member, insert_group, keep_member
from portal.directory.models import ApproverGroup, Membership
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from portal.kernel.validation import check_row
from portal.ledger.actors import directory_actor
from portal.scim.errors import Taken
from portal.scim.models import Directory, KeptGroup
from portal.scim.present import memberships
from portal.scim.queries import people_of
from portal.scim.resources import Group, Member

MOST_MEMBERS = 1_000


def add_group(directory: Directory, wanted: Group) -> KeptGroup:
    """A new approver group, named after `displayName` in the letters that policies use.

    Raises Taken where there is one of that name, Invalid.
    """
    name = slugify(wanted.display_name or "")
    if not name:
        raise Invalid("displayName needs a letter or digit: the approver group is named after it.")
    if ApproverGroup.objects.filter(name=name).exists():
        raise Taken(f"There is an approver group “{name}”. An administrator can hand it to this "
                    "directory.")  # fmt: skip
    group = insert_group(directory_actor(directory), name=name)
    kept = KeptGroup(directory=directory, group=group)
    _keep(kept, wanted)
    return kept


def change_group(kept: KeptGroup, wanted: Group) -> None:
    """Name it and let exactly these people be in it, beside those that managers added.

    Raises Invalid for somebody whom the directory does not keep.
    """
    kept.changed_at = now()
    _keep(kept, wanted)


def _keep(kept: KeptGroup, wanted: Group) -> None:
    kept.display_name, kept.external_id = wanted.display_name or "", wanted.external_id or ""
    check_row(kept, ["display_name", "external_id"])
    kept.save()
    group = ApproverGroup.objects.select_for_update().get(pk=kept.group_id)
    people = _people(kept.directory, wanted.members or [])
    before = {one.person_id: one.person for one in memberships(kept.directory, group=group)}
    actor, source = directory_actor(kept.directory), kept.directory.source
    for id in people.keys() - before.keys():
        keep_member(actor, group=group, person=people[id], source=source)
    for id in before.keys() - people.keys():
        drop_member(actor, group=group, person=before[id], source=source)


def remove_group(kept: KeptGroup) -> None:
    """Take out whom the directory put in, and let go of it: policies may name it, so it stays."""
    group = ApproverGroup.objects.select_for_update().get(pk=kept.group_id)
    rows = Membership.objects.filter(group=group, source=kept.directory.source)
    for one in rows.select_related("person"):
        drop_member(
            directory_actor(kept.directory), group=group, person=one.person, source=one.source
        )
    kept.delete()


def leave_all(directory: Directory, person: Any) -> None:
    """End every membership of `person` that the directory keeps."""
    rows = Membership.objects.filter(person=person, source=directory.source)
    for one in rows.select_related("group"):
        drop_member(directory_actor(directory), group=one.group, person=person, source=one.source)


def _people(directory: Directory, members: list[Member]) -> dict[UUID, Person]:
    wanted = {_id(member) for member in members}
    if len(wanted) > MOST_MEMBERS:
        raise Invalid(f"An approver group has at most {MOST_MEMBERS} members.")
    found = {row.person_id: row.person for row in people_of(directory).filter(person__in=wanted)}
    if missing := wanted - found.keys():
        raise Invalid(f"This directory keeps no user {min(missing)}. Provision them first.")
    return found


def _id(member: Member) -> UUID:
    try:
        return UUID(str(member.value))
    except ValueError:
        raise Invalid(f"{member.value!r} is no id of a user. Groups do not nest.") from None
