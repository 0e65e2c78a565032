"""Streams are added, changed, paused, resumed, set back and removed by administrators.

Each of that is an entry, and where entries begin to flow (again) also `evidence.read`: of what is
sent afterwards the ledger says nothing more.
"""

import ssl
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.siem.address import address_of
from approvals.connections.proof import new_secret
from approvals.lifecycle.announce import wake
from approvals.models import SiemStream
from portal.access import Capability, require
from portal.directory.models import Project
from portal.kernel.canonical import JSON
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.sealed import seal
from portal.kernel.validation import check_row, insert_row, invalid
from portal.ledger.actors import Actor, person_actor
from portal.ledger.change import change, state_of
from portal.ledger.proofs import published_checkpoint
from portal.ledger.record import record

MOST = 20
MOST_AUTHORIZATION = 1000
BOTH_VALID = timedelta(days=1)  # how long an old secret signs beside a new one

_SETTINGS = ("name", "address", "private", "authority")


@transaction.atomic
def create_stream(
    *,
    by: Any,
    name: str,
    kind: str,
    address: str,
    project: Project | None = None,
    private: bool = False,
    authority: str = "",
    authorization: str = "",
    from_start: bool = False,
) -> tuple[SiemStream, str]:
    """A new one that sends at once, and the secret it signs with; empty where it signs nothing.

    It begins with what is sealed next, or `from_start` of the log. Raises Forbidden, Invalid naming
    the field, Conflict.
    """
    require(by, Capability.ADMINISTER)
    at = now()
    secret = "" if kind == SiemStream.Kind.CEF else new_secret()
    stream = SiemStream(
        name=name,
        kind=kind,
        project=project,
        secret=seal(secret) if secret else "",
        position=0 if from_start else sealed_size(),
        created_by=by,
        created_at=at,
        next_try=at,
    )
    _set(stream, address, private, authority, authorization)
    if SiemStream.objects.filter(removed_at=None).count() >= MOST:
        raise Conflict(f"There are {MOST} streams already. Remove one first.", code="too-many")
    insert_row(stream)
    actor = person_actor(by)
    note(stream, "stream.created", actor, changed=change({}, state_of(stream, _SETTINGS)))
    _begin(stream, actor)
    return stream, secret


@transaction.atomic
def change_stream(
    *,
    by: Any,
    stream: SiemStream,
    name: str,
    address: str,
    private: bool = False,
    authority: str = "",
    authorization: str = "",
) -> SiemStream:
    """Change where it sends; an authorization that is not given stays. Its position stays.

    Raises Forbidden, Invalid naming the field, Conflict.
    """
    stream = lock_stream(by, stream)
    before = state_of(stream, _SETTINGS)
    stream.name = name
    _set(stream, address, private, authority, authorization)
    check_row(stream)
    _try_now(stream)
    stream.save()
    changed = change(before, state_of(stream, _SETTINGS))
    replaced: list[JSON] = ["authorization"] if authorization else []
    note(stream, "stream.changed", person_actor(by), changed=changed, secrets_replaced=replaced)
    return stream


@transaction.atomic
def pause_stream(*, by: Any, stream: SiemStream) -> SiemStream:
    """It sends nothing until it is resumed, and keeps its position. Raises Forbidden, Conflict."""
    stream = lock_stream(by, stream)
    if not stream.paused_at:
        stop(stream)
        note(stream, "stream.paused", person_actor(by))
    return stream


@transaction.atomic
def resume_stream(*, by: Any, stream: SiemStream) -> SiemStream:
    """It goes on from its position. Raises Forbidden, Conflict."""
    stream = lock_stream(by, stream)
    if stream.paused_at:
        stream.paused_at = None
        _try_now(stream)
        stream.save()
        note(stream, "stream.resumed", person_actor(by))
        _begin(stream, person_actor(by))
    return stream


@transaction.atomic
def replay_stream(*, by: Any, stream: SiemStream, position: int) -> SiemStream:
    """Send again from the leaf `position` on, or pass over what is before it; one that is paused
    stays so. Raises Forbidden, Invalid naming the field, Conflict."""
    stream = lock_stream(by, stream)
    if not 0 <= position <= sealed_size():
        raise invalid("position", _("The sealed log does not have that many entries."))
    before = state_of(stream, ["position"])
    stream.position = position
    stream.replays += 1
    _try_now(stream)
    stream.save()
    changed = change(before, state_of(stream, ["position"]))
    note(stream, "stream.replayed", person_actor(by), changed=changed)
    if not stream.paused_at:
        _begin(stream, person_actor(by))
    return stream


@transaction.atomic
def renew_secret(*, by: Any, stream: SiemStream) -> str:
    """A new secret to sign with; for a day the old one signs as well. Raises Forbidden, Conflict
    (removed, or it signs nothing)."""
    stream = lock_stream(by, stream)
    if not stream.secret:
        raise Conflict(_("What it sends is not signed."), code="no-secret")
    secret = new_secret()
    stream.old_secret, stream.old_until = stream.secret, now() + BOTH_VALID
    stream.secret = seal(secret)
    stream.save(update_fields=["secret", "old_secret", "old_until"])
    note(stream, "stream.secret_renewed", person_actor(by))
    return secret


@transaction.atomic
def remove_stream(*, by: Any, stream: SiemStream) -> SiemStream:
    """It never sends again, and its secrets are gone. Raises Forbidden, Conflict."""
    stream = lock_stream(by, stream)
    stream.removed_at, stream.next_try = now(), None
    stream.secret = stream.old_secret = stream.authorization = ""
    stream.save()
    note(stream, "stream.removed", person_actor(by))
    return stream


def lock_stream(by: Any, stream: SiemStream) -> SiemStream:
    """Its row, locked, for who may change it. Raises Forbidden, Conflict (removed)."""
    require(by, Capability.ADMINISTER)
    locked = SiemStream.objects.select_for_update(of=("self",)).get(pk=stream.pk)
    if locked.removed_at:
        raise Conflict(_("This stream was removed."), code="removed")
    return locked


def stop(stream: SiemStream) -> None:
    """Pause a locked row: it is due no more, and whoever sends for it just now loses it."""
    stream.paused_at, stream.next_try = now(), None
    stream.save()


def note(
    stream: SiemStream,
    event: str,
    actor: Actor,
    *,
    changed: Mapping[str, JSON] | None = None,
    outcome: str = "",
    **about: JSON,
) -> None:
    """The entry of something that became of a stream; secrets are never in it."""
    record(
        event,
        actor=actor,
        project=stream.project_id,
        outcome=outcome,
        object={**_object(stream), **about},
        **({"change": dict(changed)} if changed is not None else {}),
    )


def sealed_size() -> int:
    """How many leaves the newest published checkpoint has."""
    checkpoint = published_checkpoint()
    return checkpoint.size if checkpoint else 0


def _begin(stream: SiemStream, actor: Actor) -> None:
    record(
        "evidence.read",
        actor=actor,
        project=stream.project_id,
        object={**_object(stream), "number": stream.position},
    )
    wake("approvals.send_stream", str(stream.pk))


def _object(stream: SiemStream) -> dict[str, JSON]:
    return {
        "kind": "stream",
        "id": str(stream.pk),
        "name": stream.name,
        "format": stream.kind,
        "position": stream.position,
    }


def _try_now(stream: SiemStream) -> None:
    """As new: due at once, where it is not paused, and without failures."""
    stream.next_try = None if stream.paused_at else now()
    stream.attempts, stream.failing_since = 0, None


def _set(
    stream: SiemStream, address: str, private: bool, authority: str, authorization: str
) -> None:
    old = address_of(stream) if stream.address else None
    stream.address, stream.private, stream.authority = address, private, authority.strip()
    new = address_of(stream)
    _check_authority(stream.authority)
    _check_authorization(stream.kind, authorization)
    if authorization:
        stream.authorization = seal(authorization)
    elif stream.authorization and old and (old.name, old.port) != (new.name, new.port):
        # What somebody else entered for one host is not sent to another: who changes it knows it.
        raise invalid("authorization", _("Enter it again: it would be sent to another server."))


def _check_authority(text: str) -> None:
    try:
        ssl.create_default_context(cadata=text or None)
    except (ssl.SSLError, ValueError):
        raise invalid("authority", _("These are no certificates in PEM.")) from None


def _check_authorization(kind: str, text: str) -> None:
    if text and kind == SiemStream.Kind.CEF:
        raise invalid("authorization", _("Syslog knows no such header."))
    if not text.isascii() or not text.isprintable() or len(text) > MOST_AUTHORIZATION:
        raise invalid("authorization", _("Use printable ASCII characters, at most 1,000."))
