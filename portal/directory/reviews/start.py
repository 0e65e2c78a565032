"""Starting and finishing an access review."""

from datetime import datetime
from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.access.models import RoleGrant, in_time
from portal.directory.granted import named
from portal.directory.models import ApproverGroup, Environment, Membership, Project
from portal.directory.reviews.models import AccessReview, ReviewItem
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Conflict
from portal.kernel.validation import check_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.record import record


def object_of(review: AccessReview) -> dict[str, Any]:
    """How the ledger names a review."""
    return {"kind": "access_review", "id": str(review.pk)}


@transaction.atomic
def start_review(
    *,
    by: Any,
    name: str,
    due_at: datetime,
    project: Project | None = None,
    group: ApproverGroup | None = None,
) -> AccessReview:
    """List every membership and role in scope as they are now, to be kept or removed by `due_at`.

    Administrators only. Raises Forbidden, Invalid, Conflict where there is nothing to look at.
    """
    require(by, Capability.ADMINISTER)
    if due_at <= now():
        raise invalid("due_at", "Choose a time in the future.")
    if project and group:
        raise invalid("group", "Choose a project or a group, not both.")
    review = AccessReview(name=name, project=project, group=group, due_at=due_at, started_by=by)
    check_row(review)
    review.save(force_insert=True)
    items = [*_memberships(review), *_roles(review)]
    if not items:
        raise Conflict("There is no membership and no role to look at.", code="nothing-to-review")
    ReviewItem.objects.bulk_create(items)
    part = {**object_of(review), "items": len(items), "due": rfc3339(due_at)}
    record("access_review.started", actor=person_actor(by), object=part)
    return review


def _memberships(review: AccessReview) -> list[ReviewItem]:
    """Those of deactivated people too: they would count again."""
    if review.project is not None:
        return []
    rows = Membership.objects.select_related("group")
    if review.group is not None:
        rows = rows.filter(group=review.group)
    return [
        ReviewItem(review=review, person_id=row.person_id, group=row.group, place=row.group.name)
        for row in rows
    ]


def _roles(review: AccessReview) -> list[ReviewItem]:
    rows = RoleGrant.objects.filter(in_time())
    if review.group is not None:
        rows = rows.filter(kind="approvergroup", object_id=str(review.group.pk))
    if review.project is not None:
        environments = Environment.objects.filter(project=review.project)
        ids = [review.project.pk, *environments.values_list("pk", flat=True)]
        rows = rows.filter(kind__in=["project", "environment"], object_id__in=map(str, ids))
    return [
        ReviewItem(
            review=review,
            person_id=one.grant.person_id,
            role=one.grant.role,
            kind=one.grant.kind,
            object_id=one.grant.object_id,
            place=one.place,
        )
        for one in named(rows)
    ]


@transaction.atomic
def finish_review(*, by: Any, review: AccessReview) -> None:
    """Close it: what was not answered stays so, and the ledger says how much that is.

    Administrators only. Finishing again changes nothing.
    """
    require(by, Capability.ADMINISTER)
    review = AccessReview.objects.select_for_update(no_key=True).get(pk=review.pk)
    if review.finished_at is not None:
        return
    review.finished_at = now()
    review.save(update_fields=["finished_at"])
    counts = {
        outcome.value or "open": review.items.filter(outcome=outcome.value).count()
        for outcome in ReviewItem.Outcome
    }
    record("access_review.finished", actor=person_actor(by), object={**object_of(review), **counts})


@transaction.atomic
def record_fetch(*, by: Any, review: AccessReview) -> None:
    """Note that `by` takes the result out."""
    record("evidence.read", actor=person_actor(by), object=object_of(review))
