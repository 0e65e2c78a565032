"""Delegations: for a time somebody else may decide on a member's behalf."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.directory.models import ApproverGroup, Delegation, Membership
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden
from portal.kernel.validation import insert_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.change import change, state_of
from portal.ledger.record import record

LONGEST = timedelta(days=92)
FIELDS = ("delegator", "delegate", "starts_at", "ends_at", "reason")


def _record(event: str, by: Any, delegation: Delegation, **changed: Any) -> None:
    group = delegation.group
    record(
        event,
        actor=person_actor(by),
        object={
            "kind": "delegation",
            "id": str(delegation.pk),
            "group": str(group.pk),
            "name": group.name,
        },
        change=change(**changed),
    )


@transaction.atomic
def create_delegation(
    *,
    by: Any,
    group: ApproverGroup,
    delegator: Any,
    delegate: Any,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
) -> Delegation:
    """Let `delegate` decide for the group on behalf of its member `delegator`, who still may too.

    The group's managers may, but not make themselves the delegate (ATTACKS C9). Only a membership
    is delegated, never a delegation, so that there are no chains.

    Raises Forbidden, Invalid (times, reason, who), Conflict for somebody deactivated.
    """
    group = ApproverGroup.objects.select_for_update().get(pk=group.pk)
    require(by, Capability.MANAGE_GROUP, group)
    if by.pk == delegate.pk:
        raise Forbidden(
            "You cannot make yourself a delegate. Ask another manager of this group.",
            code="own-membership",
        )
    membership = _membership(group, delegator)
    _check_delegate(group, delegator, delegate)
    _check_times(starts_at, ends_at)
    if not reason.strip():
        raise invalid("reason", "Say why, for those who look at it later.")
    delegation = Delegation(
        group=group, membership=membership, delegator=delegator, delegate=delegate,
        starts_at=starts_at, ends_at=ends_at, reason=reason, created_by=by,
    )  # fmt: skip
    insert_row(delegation)
    _record("delegation.created", by, delegation, before={}, after=state_of(delegation, FIELDS))
    return delegation


def _membership(group: ApproverGroup, delegator: Any) -> Membership:
    found = Membership.objects.select_for_update().filter(group=group, person=delegator).first()
    if found is None:
        raise invalid("delegator", "Only a member can be represented.")
    if not delegator.is_active:
        raise Conflict("This member is deactivated.", code="inactive-person")
    return found


def _check_delegate(group: ApproverGroup, delegator: Any, delegate: Any) -> None:
    if delegate.pk == delegator.pk:
        raise invalid("delegate", "Nobody represents themselves.")
    if not delegate.is_active:
        raise Conflict("The delegate is deactivated and cannot decide.", code="inactive-person")
    if Membership.objects.filter(group=group, person=delegate).exists():
        raise invalid("delegate", "A member decides in their own name. Choose somebody else.")


def _check_times(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise invalid("ends_at", "It ends before it begins.")
    if ends_at <= now():
        raise invalid("ends_at", "This time is over.")
    if ends_at - starts_at > LONGEST:
        raise invalid("ends_at", f"A delegation lasts at most {LONGEST.days} days.")


@transaction.atomic
def end_delegation(*, by: Any, delegation: Delegation) -> None:
    """End it now; decisions given on it that were not redeemed yet count no longer.

    The group's managers may, and both people it is about. Ending it again changes nothing.
    """
    delegation = Delegation.objects.select_for_update().get(pk=delegation.pk)
    if by.pk not in {delegation.delegator_id, delegation.delegate_id}:
        require(by, Capability.MANAGE_GROUP, delegation.group)
    if delegation.ended_at is not None:
        return
    delegation.ended_at = now()
    delegation.save(update_fields=["ended_at"])
    after = state_of(delegation, ["ended_at"])
    _record("delegation.ended", by, delegation, before={"ended_at": None}, after=after)
