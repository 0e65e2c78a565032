"""Erase what names a person or is in their words; every digest and proof holds afterwards.

Only the owner of the tables may: triggers refuse everybody else, and everything but this.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.audit.erasable import Erasable
from approvals.context.personal import forgotten, sealed, valueless
from approvals.lifecycle.transition import Change, locked
from approvals.models import Decision, Reading, Snapshot
from approvals.states import OPEN, Status
from portal.access import Capability, require
from portal.accounts.erase import forget
from portal.accounts.models import User
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden
from portal.ledger.actors import person_actor
from portal.ledger.record import record
from portal.scim.models import KeptPerson


class StillOpen(Conflict):
    """A request that somebody may yet decide on, or use, keeps its texts."""

    code = "still-open"


@transaction.atomic
def erase(found: Erasable, *, by: User) -> int:
    """Erase all of `found`, each request with a line in its history; the number of the last entry.

    Raises Forbidden for who does not administer the portal and for oneself, StillOpen, Conflict for
    a person who was erased before, and ProgrammingError as any role but the owner of the tables.
    """
    require(by, Capability.ADMINISTER)
    if found.person is not None and found.person.pk == by.pk:
        raise Forbidden("You cannot erase yourself. Ask another administrator.", code="own-account")
    at, last = now(), 0
    for request in found.requests:
        last = _erase_within(request, found.within(request), by, at)
    if found.person is not None:
        forget(found.person, at)
        KeptPerson.objects.filter(person=found.person).delete()
        last = record(
            "erasure.done",
            actor=person_actor(by, authn="command"),
            object={"kind": "person", "id": str(found.person.actor_ref)},
            change={"erased": {**found.counts(), "requests": len(found.requests)}},
        )
    return last


def _erase_within(request_id: UUID, found: Erasable, by: User, at: datetime) -> int:
    request = locked(request_id)
    if Status(request.status) in OPEN:
        raise StillOpen(f"{request} is not over: withdraw it, or wait for its end.")
    change = Change(request, person_actor(by, authn="command"))
    if found.reasons:
        run = {name: part for name, part in request.run.items() if name != "actor"}
        change.set(reason="", reason_salt=b"", body_digest="", run=run, erased_at=at)
    if found.endings:
        change.set(ended_reason="", ended_salt=b"")
    if found.snapshots:
        change.set(moved=[], drift=valueless(request.drift))
        _erase_facts(request_id, found)
    Decision.objects.filter(pk__in=found.comments).update(
        comment="", comment_salt=b"", erased_at=at
    )
    change.note(
        "erasure.done",
        object={"kind": "request", "id": str(request_id)},
        change={"erased": found.counts()},
    )
    return change.save()


def _erase_facts(request_id: UUID, found: Erasable) -> None:
    for snapshot in Snapshot.objects.filter(pk__in=found.snapshots):
        gone: dict[str, Any] = {
            "facts": sealed(snapshot.facts, bytes(snapshot.salt)),
            "facts_digest": "",
            "salt": b"",
        }
        Snapshot.objects.filter(pk=snapshot.pk).update(**gone)
    for reading in Reading.objects.filter(request=request_id):
        Reading.objects.filter(pk=reading.pk).update(facts=forgotten(reading.facts))
