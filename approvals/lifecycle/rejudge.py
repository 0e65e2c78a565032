"""Judging again what waits: because a fact was read, or because policy or the calendar changed.

Who changes a policy leaves a mark on its row; the worker judges every waiting request that it
reaches, each in its own transaction, and takes the mark away at the end. Killed anywhere, it goes
on with those that still stand on a verdict from before.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from approvals.context.collect import (
    facts_at_hand,
    question_about,
    remote_sources,
    states_of,
    without_source,
)
from approvals.context.source import Question
from approvals.lifecycle.evaluate import judge, policies_on, still_waiting
from approvals.lifecycle.transition import Change, locked
from approvals.models import Reading, Request
from approvals.permissions import is_late
from approvals.states import WAITING
from policies.language.document import PinnedVersion, matches
from policies.language.facts import Facts, FactState
from policies.models import Policy
from policies.queries import BrokenPolicy, document_of
from portal.kernel.clock import now
from portal.ledger.actors import SYSTEM

LONGEST = 45.0  # seconds, well under the time limit of a task
# A verdict may be given by the old policies a moment after the new one commits.
AT_ONCE = timedelta(seconds=30)


def judge_again(request: Request) -> None:
    """Give the verdict anew on the facts as the portal has them now. The row is locked."""
    if not still_waiting(request) or is_late(request):  # a late fact ends nothing in "go"
        Reading.objects.filter(request=request).update(next_try=None)
        return
    change = Change(request, SYSTEM)
    facts = current_facts(request, now())
    try:
        judge(change, policies_on(request), facts)
    except BrokenPolicy:
        return  # it stays as it is: nothing may be approved on a policy nobody can read
    if change.pending:
        change.save()
    if not still_waiting(request):
        Reading.objects.filter(request=request).update(next_try=None)


def policies_moved(request: Request, policies: Iterable[PinnedVersion]) -> bool:
    """Whether other versions judge the request now than gave the verdict it stands on."""
    if request.verdict is None:
        return False
    body = request.verdict.body
    judged = {(row["policy"], row["version"], row["digest"]) for row in body["policies"]}
    judged |= {(row["policy"], row["version"], row["digest"]) for row in body["shadow"]}
    return judged != {
        (one.document.policy, one.version, one.digest)
        for one in policies
        if one.document.mode != "off"
    }


def rejudge_moved(policy_id: UUID) -> int:
    """Judge again what waits where this policy came into force or went out of it; how many."""
    policy = Policy.objects.select_related("in_force").get(pk=policy_id)
    if policy.moved_at is None:
        return 0
    ends, count = time.monotonic() + LONGEST, 0
    for request_id in _affected(policy):
        if time.monotonic() > ends:
            return count  # the mark stays, and the next sweep goes on
        count += _rejudge(request_id)
    # Another move meanwhile leaves another mark, which stays.
    Policy.objects.filter(pk=policy_id, moved_at=policy.moved_at).update(moved_at=None)
    return count


def _affected(policy: Policy) -> list[UUID]:
    """What waits on a verdict from before, by this policy or for a target that it matches now."""
    judged = [{"policy": policy.name}]
    affected = Q(verdict__body__policies__contains=judged)
    affected |= Q(verdict__body__shadow__contains=judged)
    waiting = Request.objects.filter(
        status__in=[status.value for status in WAITING],
        verdict__given_at__lt=policy.moved_at + AT_ONCE if policy.moved_at else now(),
    )
    if policy.in_force is not None:
        match = document_of(policy.in_force)
        places = waiting.values_list(
            "project__slug", "environment__name", "action", "environment_id"
        ).distinct()
        for project, environment, action, place in places:
            if matches(match, project, environment, action):
                affected |= Q(environment=place, action=action)
    return list(waiting.filter(affected).order_by("pk").values_list("pk", flat=True))


def moved_policies() -> list[UUID]:
    """Policies that moved and whose waiting requests are still to be judged again."""
    return list(Policy.objects.filter(moved_at__isnull=False).values_list("pk", flat=True))


def _rejudge(request_id: UUID) -> bool:
    with transaction.atomic():
        request = locked(request_id)
        if not policies_moved(request, policies_on(request)):
            return False
        judge_again(request)
    return True


def current_facts(request: Request, at: datetime) -> Facts:
    """All facts as the portal has them now: at hand, and the last readings."""
    question = question_about(request, at)
    return Facts({**facts_at_hand(question), **stored_facts(request, question)})


def stored_facts(request: Request, question: Question) -> dict[str, FactState]:
    """Facts of remote sources as last read."""
    states = without_source(question)
    readings = {reading.source: reading for reading in Reading.objects.filter(request=request)}
    for asked in remote_sources(question):
        states.update(states_of(asked, readings.get(asked.key)))
    return states
