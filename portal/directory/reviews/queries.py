"""Which access reviews somebody sees, which items of them, and as what kind of table."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from portal.access import Capability, holds, permitted_ids
from portal.directory.models import ApproverGroup
from portal.directory.reviews.models import AccessReview, ReviewItem
from portal.kernel.cells import harmless
from portal.kernel.clock import rfc3339
from portal.kernel.errors import NotFound

COLUMNS = ("person", "signs_in_as", "role", "on", "answer", "answered_by", "answered_at")


def reads_all(person: Any) -> bool:
    """Whether `person` sees whole reviews: administrators and auditors of the portal do."""
    return holds(person, Capability.ADMINISTER) or holds(person, Capability.AUDIT)


def items_for(person: Any) -> QuerySet[ReviewItem]:
    """The items that `person` sees: all, or those of the groups they manage."""
    rows = ReviewItem.objects.select_related("person", "group", "answered_by")
    if reads_all(person):
        return rows
    groups = permitted_ids(person, Capability.MANAGE_GROUP, ApproverGroup)
    return rows if groups is None else rows.filter(group__in=groups)


def reviews_for(person: Any) -> QuerySet[AccessReview]:
    """The reviews with anything in them for `person`, newest first, with what is left open."""
    mine = items_for(person).order_by().values("review")
    still = Q(items__outcome="", items__in=items_for(person).order_by().values("pk"))
    rows = AccessReview.objects.filter(pk__in=mine).select_related("project", "group")
    return rows.annotate(left=Count("items", filter=still)).order_by("-started_at")


def load_review(person: Any, review_id: UUID) -> AccessReview:
    """One review, where `person` sees anything of it. Raises NotFound."""
    found = reviews_for(person).filter(pk=review_id).first()
    if found is None:
        raise NotFound("There is no such access review, or none of it is yours to see.")
    return found


def load_item(person: Any, review: AccessReview, item_id: UUID) -> ReviewItem:
    """One item of a loaded review. Raises NotFound."""
    found = items_for(person).filter(review=review, pk=item_id).first()
    if found is None:
        raise NotFound("There is no such item, or it is not yours to see.")
    return found


def answerable(person: Any, review: AccessReview, items: Iterable[ReviewItem]) -> set[UUID]:
    """Ids of those of `items` that `person` may answer now; what `may_answer` says of each."""
    if review.finished_at is not None:
        return set()
    administers = holds(person, Capability.ADMINISTER)
    groups = permitted_ids(person, Capability.MANAGE_GROUP, ApproverGroup)
    return {
        item.pk
        for item in items
        if not item.outcome
        and item.person_id != person.pk
        and (administers if item.group_id is None else groups is None or item.group_id in groups)
    }


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def as_csv(items: QuerySet[ReviewItem]) -> Iterator[str]:
    """One line for each item, under a line of names."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for item in items.iterator(chunk_size=1_000):
        values = (
            item.person.name,
            item.person.username,
            item.role or "member",
            item.place,
            item.outcome or "open",
            item.answered_by.name if item.answered_by else "",
            rfc3339(item.answered_at) if item.answered_at else "",
        )
        yield writer.writerow([harmless(value) for value in values])
