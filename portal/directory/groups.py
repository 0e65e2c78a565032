"""Approver groups and who is in them."""

from collections.abc import Collection
from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.directory.models import ApproverGroup, Membership
from portal.kernel.canonical import JSON
from portal.kernel.errors import Conflict, Forbidden
from portal.kernel.validation import changed_fields, check_row, insert_row, invalid
from portal.ledger.actors import SYSTEM, Actor, person_actor
from portal.ledger.change import change, state_of
from portal.ledger.record import hint_person, record

CHANGEABLE = ("description", "minimum")


def _object(group: ApproverGroup) -> dict[str, str]:
    return {"kind": "group", "id": str(group.pk), "name": group.name}


@transaction.atomic
def create_group(*, by: Any, name: str, description: str = "", minimum: int = 1) -> ApproverGroup:
    """Add an empty approver group. Administrators only. Raises Forbidden, Invalid, Conflict.

    `minimum`: how many active members it should have; with fewer it is marked.
    """
    require(by, Capability.ADMINISTER)
    return insert_group(person_actor(by), name=name, description=description, minimum=minimum)


def insert_group(
    actor: Actor, *, name: str, description: str = "", minimum: int = 1
) -> ApproverGroup:
    """Add an empty approver group. The caller has checked that `actor` may, inside its transaction.

    Raises Invalid, Conflict.
    """
    group = ApproverGroup(name=name, description=description, minimum=minimum)
    insert_row(group)
    after = state_of(group, CHANGEABLE)
    record("group.created", actor=actor, object=_object(group), change=change({}, after))
    return group


@transaction.atomic
def change_group(*, by: Any, group: ApproverGroup, **wanted: Any) -> ApproverGroup:
    """Change description or smallest size; its managers may. The name stays: policies use it.

    Raises Forbidden, Invalid.
    """
    require(by, Capability.MANAGE_GROUP, group)
    unknown = set(wanted) - set(CHANGEABLE)
    if unknown:
        raise invalid(min(unknown), "This cannot be changed here.")
    group = ApproverGroup.objects.select_for_update().get(pk=group.pk)
    moved = changed_fields(group, wanted)
    if not moved:
        return group
    before = state_of(group, moved)
    for field, value in moved.items():
        setattr(group, field, value)
    check_row(group, moved)
    group.save(update_fields=list(moved))
    record(
        "group.changed",
        actor=person_actor(by),
        object=_object(group),
        change=change(before, state_of(group, moved)),
    )
    return group


def _lock(by: Any, group: ApproverGroup) -> ApproverGroup:
    # Rights are read after the lock, so that a manager removed meanwhile is refused.
    group = ApproverGroup.objects.select_for_update().get(pk=group.pk)
    require(by, Capability.MANAGE_GROUP, group)
    return group


@transaction.atomic
def add_member(*, by: Any, group: ApproverGroup, person: Any) -> Membership:
    """Let `person` decide for this group; its managers may.

    Raises Forbidden when `by` would add themselves (ATTACKS C9), Conflict for somebody inactive.
    Adding a member again changes nothing.
    """
    group = _lock(by, group)
    if by.pk == person.pk:
        raise Forbidden(
            "You cannot add yourself. Ask another manager of this group.", code="own-membership"
        )
    if not person.is_active:
        raise Conflict("This person is deactivated and cannot decide.", code="inactive-person")
    membership, added = Membership.objects.get_or_create(
        group=group, person=person, defaults={"added_by": by}
    )
    if membership.source:  # by hand from now on, no longer the source's to take away
        added = bool(Membership.objects.filter(pk=membership.pk).update(source=""))
        membership.source = ""
    if added:
        _record_member("member.added", person_actor(by), group, person)
    return membership


@transaction.atomic
def remove_member(*, by: Any, group: ApproverGroup, person: Any, source: str = "") -> None:
    """Take `person` out; managers may, and everybody may leave. Counts at once (B1, B2).

    `source`: who keeps the membership, as `by` was told. Raises Conflict where it is somebody else:
    what a directory keeps comes back by itself, so nobody removes it without knowing.
    """
    if by.pk != person.pk:
        group = _lock(by, group)
    kept = Membership.objects.select_for_update().filter(group=group, person=person).first()
    if kept is None:
        return
    if kept.source != source:
        raise Conflict(
            f"This membership is kept by: {kept.source_word}. Look at the page again, and remove "
            "it there too, or it comes back.",
            code="membership-source",
        )
    kept.delete()
    _record_removed(person_actor(by), group, person)


def keep_member(actor: Actor, *, group: ApproverGroup, person: Any, source: str) -> None:
    """Let `person` decide for the locked `group` as long as `source` says so, which takes over what
    somebody else kept. The caller has checked that `actor` may."""
    membership, added = Membership.objects.select_for_update().get_or_create(
        group=group, person=person, defaults={"source": source}
    )
    if membership.source != source:
        membership.source, membership.added_by = source, None
        membership.save(update_fields=["source", "added_by"])
    elif not added:
        return
    _record_member("member.added", actor, group, person)


def drop_member(actor: Actor, *, group: ApproverGroup, person: Any, source: str) -> None:
    """End the membership that `source` keeps. The caller has checked that `actor` may."""
    removed, _ = Membership.objects.filter(group=group, person=person, source=source).delete()
    if removed:
        _record_removed(actor, group, person)


def set_sourced_memberships(*, person: Any, source: str, groups: Collection[ApproverGroup]) -> None:
    """Have `source` put `person` into exactly these groups; what somebody else gave stays.

    Inside the caller's transaction, which keeps another one from doing this for the person.
    """
    mine = Membership.objects.filter(person=person, source=source).select_related("group")
    for membership in mine.exclude(group__in=groups):
        membership.delete()
        _record_removed(SYSTEM, membership.group, person, source=source)
    for group in groups:
        _, added = Membership.objects.get_or_create(
            group=group, person=person, defaults={"source": source}
        )
        if added:
            _record_member("member.added", SYSTEM, group, person, source=source)


def _record_removed(actor: Actor, group: ApproverGroup, person: Any, **more: JSON) -> None:
    _record_member("member.removed", actor, group, person, **more)
    hint_person(person.pk)


def _record_member(
    event: str, actor: Actor, group: ApproverGroup, person: Any, **more: JSON
) -> None:
    about: dict[str, JSON] = {**_object(group), "person": str(person.actor_ref), **more}
    record(event, actor=actor, object=about)
