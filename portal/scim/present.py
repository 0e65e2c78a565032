"""What a directory keeps here, as the resources it speaks of."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from scim2_models import GroupMembership, Meta, Reference

from portal.directory.models import Membership
from portal.scim.models import Directory, Kept, KeptGroup, KeptPerson
from portal.scim.resources import Group, Member, User

BASE = "/scim/v2"


def address(kind: str, id: UUID | str) -> str:
    """Where a resource of `kind` is."""
    return f"{settings.PUBLIC_URL}{BASE}/{kind}s/{id}"


def _meta(kind: str, id: UUID, kept: Kept) -> Meta:
    return Meta(
        resource_type=kind,
        created=kept.created_at,
        last_modified=kept.changed_at or kept.created_at,
        location=address(kind, id),
    )


def memberships(directory: Directory, **where: Any) -> Iterable[Membership]:
    """The memberships that `directory` keeps, of people and in groups that it keeps."""
    return (
        Membership.objects.filter(
            source=directory.source,
            group__kept__directory=directory,
            person__kept__directory=directory,
            person__kept__removed_at=None,
            **where,
        )
        .select_related("person", "group__kept")
        .order_by("pk")
    )


def users(directory: Directory, rows: Iterable[KeptPerson]) -> list[User]:
    """The people as users with their groups, in one more statement."""
    found = {row.person_id: _user(row) for row in rows}
    for one in memberships(directory, person__in=list(found)):
        user = found[one.person_id]
        user.groups = [*(user.groups or []), _belonging(one.group.kept)]
    return list(found.values())


def _user(row: KeptPerson) -> User:
    person = row.person
    user = User.model_validate({"userName": person.username, **row.profile})
    user.id = str(person.pk)
    user.external_id = row.external_id or None
    user.active = person.is_active
    user.meta = _meta("User", person.pk, row)
    return user


def _belonging(kept: KeptGroup) -> GroupMembership:
    return GroupMembership(
        value=str(kept.group_id),
        ref=Reference(address("Group", kept.group_id)),
        display=kept.display_name,
        type="direct",
    )


def groups(directory: Directory, rows: Iterable[KeptGroup]) -> list[Group]:
    """The groups with their members, in one more statement."""
    found = {row.group_id: _group(row) for row in rows}
    for one in memberships(directory, group__in=list(found)):
        group = found[one.group_id]
        group.members = [*(group.members or []), _member(one.person_id)]
    return list(found.values())


def _group(row: KeptGroup) -> Group:
    return Group(
        id=str(row.group_id),
        external_id=row.external_id or None,
        display_name=row.display_name,
        meta=_meta("Group", row.group_id, row),
    )


def _member(id: UUID) -> Member:
    return Member(value=str(id), ref=Reference(address("User", id)), type="User")
