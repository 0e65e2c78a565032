"""Signed-in devices: the sessions of a person, and ending them.

A session that ends is deleted, so its next page asks for a sign-in; open streams are told at once.
"""

from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.access import Capability, require
from portal.accounts.models import Session, User
from portal.accounts.sessions import DEVICE
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import NotFound
from portal.ledger.actors import person_actor
from portal.ledger.record import hint_person, record

BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome",
            "Safari": "Safari"}  # fmt: skip
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
           "Mac OS X": "macOS", "Linux": "Linux"}  # fmt: skip


def note_device(request: HttpRequest, person: User, signed_in_by: str) -> None:
    """Keep with a session that just began what its owner may recognise it by."""
    Session.objects.filter(person=person, expire_date__lte=now()).delete()
    request.session[DEVICE] = {
        "device": str(uuid4()),
        "agent": agent_words(request.headers.get("User-Agent", "")),
        "address": request.META.get("REMOTE_ADDR", "")[:45],
        "signed_in_at": rfc3339(now()),
        "signed_in_by": signed_in_by,
    }


def agent_words(agent: str) -> str:
    """What a browser says of itself, in words: “Firefox, Linux”; its beginning if unknown."""
    found = [
        next((word for sign, word in signs.items() if sign in agent), "")
        for signs in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(filter(None, found)) or agent[:80]


def device_of(request: HttpRequest) -> str:
    """The device that asks."""
    return str(request.session.get(DEVICE, {}).get("device", ""))


def devices_of(person: User) -> QuerySet[Session]:
    """Sessions in which this person is signed in, the newest first."""
    running = Session.objects.filter(person=person, expire_date__gt=now())
    return running.order_by("-signed_in_at")


@transaction.atomic
def sign_out_device(*, person: User, device: UUID) -> None:
    """End one of one's own sessions. Raises NotFound."""
    if not _end(person, person, Session.objects.filter(device=device)):
        raise NotFound("You are not signed in there, or not any more.")


@transaction.atomic
def sign_out_others(*, person: User, device: str) -> None:
    """End all of one's own sessions but that of `device`."""
    _end(person, person, Session.objects.exclude(device=device or None))


@transaction.atomic
def sign_out_everywhere(*, by: User, person: User) -> None:
    """End every session of `person`. Administrators may."""
    require(by, Capability.ADMINISTER)
    _end(by, person, Session.objects.all())


def end_sessions(person: User) -> None:
    """The same, as a part of something else that is recorded by the caller's transaction."""
    Session.objects.filter(person=person).delete()
    hint_person(person.pk)


def end_own_session(request: HttpRequest, person: User) -> None:
    """End the session that asks, before its streams are told and look whether it is there."""
    request.session.delete()
    hint_person(person.pk)


def _end(by: User, person: User, sessions: QuerySet[Session]) -> int:
    ended = list(sessions.filter(person=person).select_for_update())
    for session in ended:
        about = {"kind": "device", "id": str(session.device), "person": str(person.actor_ref)}
        record("device.signed_out", actor=person_actor(by), object=about)
        session.delete()
    hint_person(person.pk)
    return len(ended)
