"""Keeping or removing one membership or role in an access review."""

from typing import Any
from uuid import UUID

from django.db import transaction

from portal.access import Capability, require, revoke_role
from portal.access.models import RoleGrant, in_time
from portal.directory.granted import named
from portal.directory.groups import remove_member
from portal.directory.models import Membership
from portal.directory.reviews.models import AccessReview, ReviewItem
from portal.directory.reviews.start import object_of
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden
from portal.ledger.actors import person_actor
from portal.ledger.record import record


def may_answer(by: Any, item: ReviewItem) -> None:
    """Raise Forbidden unless `by` manages the group, or administers, and is not the person."""
    if item.group is not None:
        require(by, Capability.MANAGE_GROUP, item.group)
    else:
        require(by, Capability.ADMINISTER)
    if by.pk == item.person_id:
        raise Forbidden(
            "You cannot review your own access. Somebody else has to.", code="own-access"
        )


@transaction.atomic
def answer_item(*, by: Any, item_id: UUID, keep: bool) -> ReviewItem:
    """Keep what the item is about, or remove it at once; what ended meanwhile is noted as such.

    Raises Forbidden as `may_answer` does, Conflict once the item is answered or the review over.
    """
    # One answer of a review at a time, and none while it is being finished.
    reviews = AccessReview.objects.select_for_update(no_key=True)
    review = reviews.get(pk__in=ReviewItem.objects.filter(pk=item_id).values("review"))
    item = ReviewItem.objects.select_related("group", "person").get(pk=item_id)
    may_answer(by, item)
    if review.finished_at is not None:
        raise Conflict("This access review is finished.", code="review-finished")
    if item.outcome:
        raise Conflict("This was answered already.", code="answered")
    item.outcome = _carry_out(by, item, keep)
    item.answered_by, item.answered_at = by, now()
    item.save(update_fields=["outcome", "answered_by", "answered_at"])
    part = {
        **object_of(review),
        "item": str(item.pk),
        "person": str(item.person.actor_ref),
        "answer": item.outcome,
    }
    record("access_review.answered", actor=person_actor(by), object=part)
    return item


def _carry_out(by: Any, item: ReviewItem, keep: bool) -> str:
    if item.group is not None:
        if not Membership.objects.filter(group=item.group, person=item.person).exists():
            return ReviewItem.Outcome.GONE
        if not keep:
            remove_member(by=by, group=item.group, person=item.person)
    else:
        held = RoleGrant.objects.filter(
            in_time(), person=item.person, role=item.role, kind=item.kind, object_id=item.object_id
        )
        found = next(iter(named(held)), None)
        if found is None or found.target is None:
            return ReviewItem.Outcome.GONE
        if not keep:
            revoke_role(by=by, to=item.person, role=item.role, target=found.target)
    return ReviewItem.Outcome.KEPT if keep else ReviewItem.Outcome.REMOVED
