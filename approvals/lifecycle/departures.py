"""Looking again at what counted on somebody who left an approver group or was deactivated.

Who takes the right away leaves a row (`Departure`); the worker looks at every open request that
counted on the person, each in its own transaction, and takes the row away at the end. Looking again
at what was looked at writes nothing, so that it may be killed anywhere, or done twice.
"""

import time
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from approvals.lifecycle.announce import wake
from approvals.lifecycle.differences import approved_on, differences
from approvals.lifecycle.evaluate import give_verdict, policies_on, tallies
from approvals.lifecycle.next_round import begin_next_round
from approvals.lifecycle.rejudge import current_facts, judge_again
from approvals.lifecycle.transition import Change, locked
from approvals.models import AwaitedGroup, Decision, Request
from approvals.quorum import satisfied
from approvals.states import OPEN, WAITING, Status
from policies.language.facts import Facts
from policies.queries import BrokenPolicy
from portal.accounts.models import User
from portal.directory.models import Delegation, Departure, Membership
from portal.kernel.clock import now
from portal.ledger.actors import SYSTEM
from portal.ledger.record import hint

BATCH = 100
LONGEST = 45.0  # seconds, well under the time limit of a task; the rest waits for the next sweep


@receiver(post_delete, sender=Membership, dispatch_uid="departures.membership")
def member_left(sender: Any, **kwargs: Any) -> None:
    """At once: the sweep would find the row that the trigger left, but seconds later."""
    wake("approvals.departures")


@receiver(post_save, sender=User, dispatch_uid="departures.person")
def person_saved(sender: Any, instance: User, **kwargs: Any) -> None:
    """The same for somebody who was deactivated; most other changes of people save them active."""
    if not instance.is_active:
        wake("approvals.departures")


@receiver(post_save, sender=Delegation, dispatch_uid="departures.delegation")
def delegation_saved(sender: Any, instance: Delegation, **kwargs: Any) -> None:
    """The same for a delegation that was ended."""
    if instance.ended_at is not None:
        wake("approvals.departures")


def departures() -> bool:
    """Whether anything is still to be looked at."""
    return Departure.objects.exists()


def look_at_departures() -> int:
    """Look again at what counted on everybody who left; how many requests were looked at."""
    ends, count = time.monotonic() + LONGEST, 0
    for departure in Departure.objects.all():
        while batch := _counted_on(departure):
            for request_id in batch:
                _look_at(request_id)
            count += len(batch)
            departure.up_to = batch[-1]
            Departure.objects.filter(pk=departure.pk).update(up_to=departure.up_to)
            if time.monotonic() > ends:
                return count
        departure.delete()
    return count


def _counted_on(departure: Departure) -> list[UUID]:
    """The next open requests that the person approved, or that wait for the group: without them
    there may be too few."""
    by = Q(person=departure.person_id) | Q(delegation__delegator=departure.person_id)
    given = Decision.objects.filter(by, request=OuterRef("pk"), round=F("request__round"))
    awaited = AwaitedGroup.objects.filter(
        request=OuterRef("pk"), group=departure.group_id, waiting=True
    )
    rows = Request.objects.filter(
        Q(Exists(given)) | Q(Exists(awaited)), status__in=[status.value for status in OPEN]
    )
    if departure.up_to:
        rows = rows.filter(pk__gt=departure.up_to)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _look_at(request_id: UUID) -> None:
    with suppress(BrokenPolicy), transaction.atomic():  # nothing is redeemed on such a policy
        request = locked(request_id)
        if request.status == Status.APPROVED:
            _strike(request)
        elif Status(request.status) in WAITING:
            judge_again(request)
            _recount(request)


def _strike(request: Request) -> None:
    """An approval that lost a vote it needs goes the way that redeeming it would take.

    On the facts it was approved on: only who decides is looked at, the world not before it runs.
    """
    if satisfied(tallies(request)) or request.snapshot is None:
        return
    facts: Facts = request.snapshot.typed
    before = approved_on(request)
    change = Change(request, SYSTEM)
    judgement, _ = give_verdict(change, policies_on(request), facts)
    found = differences(request, judgement, before, facts)
    if found:
        begin_next_round(change, found, current_facts(request, now()), judgement.on_drift)
    elif change.pending:  # stricter policy since, and even by that enough votes are left
        change.save()


def _recount(request: Request) -> None:
    """Bookkeeping, not state: how many approvals count now. Open pages are told."""
    given = sum(found.given for found in tallies(request))
    still = Request.objects.filter(pk=request.pk, status=Status.PENDING)
    if still.exclude(given=given).update(given=given):
        hint(request=request.pk, project=request.project_id)
