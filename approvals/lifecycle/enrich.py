"""Reading remote sources for requests that wait, and judging again with what they said.

The row of a reading says when it is due, and is taken with a lease (portal/kernel/due.py).
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Greatest, Least

from approvals.context.collect import (
    Answer,
    ask,
    question_about,
    remote_source,
    remote_sources,
)
from approvals.context.registry import budget_of
from approvals.context.source import Source
from approvals.lifecycle.announce import wake
from approvals.lifecycle.evaluate import still_waiting
from approvals.lifecycle.rejudge import judge_again
from approvals.lifecycle.transition import locked
from approvals.models import Reading, Request
from policies.language.facts import Facts, Known
from portal.kernel.clock import now
from portal.kernel.due import held, pause, take

GIVE_UP_AFTER = 4  # attempts before a fact is called unavailable; it is still asked for, slowly
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_REST = timedelta(minutes=5)
LEASE = timedelta(seconds=20)
AGAIN_AFTER = timedelta(seconds=3)  # the least time between two readings, however much is told
MOST_WOKEN = 200  # the sweep finds the others


def read_source(request_id: UUID, key: str) -> bool:
    """Read one source for one request, if that is due; whether anything was read."""
    taken = _take(request_id, key)
    if taken is None:
        return False
    request = Request.objects.select_related("project", "environment").get(pk=request_id)
    question = question_about(request, now())
    asked = remote_source(question, key)
    if asked is None:  # its connection was paused, or another gives the same facts now
        Reading.objects.filter(pk=taken.pk, next_try=taken.next_try).delete()
        return False
    answer = ask(asked, question)
    with transaction.atomic():
        # The request's row first, as every writer does: the other way round, two wait for each
        # other for ever.
        waiting = locked(request_id)
        if _store(taken, asked.source, answer, waiting.created_at):
            judge_again(waiting)
    return True


def due_readings(limit: int = 200) -> list[tuple[UUID, str]]:
    """Readings whose time has come: first ones before refreshes, then the oldest."""
    return list(
        Reading.objects.filter(next_try__lte=now())
        .order_by(Case(When(state=Reading.State.WANTED, then=0), default=1), "next_try")
        .values_list("request_id", "source")[:limit]
    )


def _take(request_id: UUID, key: str) -> Reading | None:
    rows = Reading.objects.filter(request_id=request_id, source=key)
    reading = take(rows, timedelta(seconds=budget_of(key)) + LEASE)
    if reading is None or still_waiting(Request.objects.only("status").get(pk=request_id)):
        return reading
    Reading.objects.filter(pk=reading.pk, next_try=reading.next_try).update(next_try=None)
    return None


def _store(reading: Reading, source: Source, answer: Answer, asked_at: datetime) -> bool:
    """Keep the answer, unless the lease is not ours any more; whether it was kept.

    It ran out and somebody else reads, the request is over, or a new round wants newer facts.
    """
    current = held(reading)
    if current is None:
        return False
    at = now()
    if not answer.error:
        reading.state = Reading.State.KNOWN
        reading.facts = Facts(dict(answer.states)).to_json()
        reading.error, reading.attempts, reading.observed_at = "", 0, at
        rest = timedelta() if current.again else _rest(source, at - asked_at)
        reading.next_try = max(at + AGAIN_AFTER, _seen(answer, at) + rest)
        reading.again = False
    else:
        reading.again = current.again
        reading.error = answer.error[:500]
        reading.next_try = at + pause(reading.attempts, FIRST_PAUSE, LONGEST_PAUSE)
        if reading.attempts >= GIVE_UP_AFTER:
            # Too old counts as unknown: what was true before the source fell silent may not be now.
            reading.state, reading.facts = Reading.State.FAILED, {}
    reading.save()
    return True


def _seen(answer: Answer, at: datetime) -> datetime:
    """When the oldest of its facts was observed: an answer that others asked for may be a while
    old, and its rest counts from then."""
    known = (state for state in answer.states.values() if isinstance(state, Known))
    return min((state.observed_at for state in known), default=at)


def _rest(source: Source, age: timedelta) -> timedelta:
    """How long an answer is shown: longer for what waits for hours, or old requests would read
    more than new ones."""
    return max(source.time_to_live, min(age / 20, LONGEST_REST))


def read_again(key: str, commit: str = "") -> None:
    """Something changed where this source reads: whatever waits on it reads again at once, or what
    waits for one commit.

    One that is being read, or fails, keeps its time: its answer may be from before, so a short
    while later it is read once more.
    """
    at = now()
    waiting = Reading.objects.filter(source=key, next_try__gt=at)
    if commit:
        waiting = waiting.filter(request__subject__commit=commit)
    found = list(waiting.values_list("request_id", flat=True))
    soon = Greatest(Value(at), F("observed_at") + AGAIN_AFTER)
    waiting.update(
        again=Case(When(attempts__gt=0, then=True), default=F("again")),
        next_try=Case(When(attempts=0, then=Least(F("next_try"), soon)), default=F("next_try")),
    )
    for request_id in found[:MOST_WOKEN]:
        wake("approvals.read_source", str(request_id), key)


def want_again(request: Request, facts: Facts) -> None:
    """Ask every source at once: a new round has begun, on `facts`. A request that policy let
    through at once has asked none so far.

    What redeem read stands in the readings from now on: whoever judges before the sources have
    answered must not go back to what was there before the drift.
    """
    at = now()
    sources = remote_sources(question_about(request, at))
    Reading.objects.bulk_create(
        [Reading(request=request, source=asked.key, next_try=at) for asked in sources],
        update_conflicts=True,
        unique_fields=["request", "source"],
        update_fields=["next_try", "attempts"],
    )
    for asked in sources:
        states = {name: facts.state(name) for name in asked.facts}
        if any(isinstance(state, Known) for state in states.values()):
            Reading.objects.filter(request=request, source=asked.key).update(
                facts=Facts(states).to_json(), state=Reading.State.KNOWN, error="", observed_at=at
            )
        wake("approvals.read_source", str(request.id), asked.key)


def meet_sources(request: Request, changed: str) -> None:
    """Ask those sources that were not there when the request was last looked at, and the one with
    the key `changed` anew; forget those that are gone. The row is locked."""
    at = now()
    keys = {asked.key for asked in remote_sources(question_about(request, at))}
    readings = Reading.objects.filter(request=request)
    readings.exclude(source__in=keys).delete()
    readings.filter(source=changed).update(next_try=at)
    new = keys - set(readings.values_list("source", flat=True))
    Reading.objects.bulk_create(
        [Reading(request=request, source=key, next_try=at) for key in sorted(new)]
    )
    for key in sorted(new | ({changed} & keys)):
        wake("approvals.read_source", str(request.id), key)
