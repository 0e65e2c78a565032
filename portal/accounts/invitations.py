"""Invitations: a link by which somebody whom an administrator added chooses their own password.

The person stands there from the beginning, so that groups and roles can be given before; without a
password nobody signs in as them. Of the link only the SHA-256 of its secret is stored.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.accounts.models import Invitation, User
from portal.accounts.people import check_password, insert_person
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Conflict, Gone, NotFound
from portal.kernel.validation import invalid
from portal.ledger.actors import person_actor
from portal.ledger.change import change
from portal.ledger.record import record

LIFETIME = timedelta(days=7)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@transaction.atomic
def invite_person(*, by: User, username: str, name: str, email: str) -> tuple[Invitation, str]:
    """Add a person without a password; the invitation and the secret of its link.

    Administrators only. Raises Forbidden, Invalid.
    """
    require(by, Capability.ADMINISTER)
    if not email:
        raise invalid("email", "An invitation needs an e-mail address.")
    person = insert_person(
        person_actor(by), username=username, name=name, email=email, password=None
    )
    return _invite(by, person)


@transaction.atomic
def invite_again(*, by: User, person: User) -> tuple[Invitation, str]:
    """Another link for somebody who has no password yet; the one before stops working.

    Administrators only. Raises Forbidden, Conflict for who is deactivated or has a password.
    """
    require(by, Capability.ADMINISTER)
    person = User.objects.select_for_update().get(pk=person.pk)
    if not person.is_active:
        raise Conflict("This person is deactivated. Reactivate them first.", code="inactive-person")
    if person.has_usable_password():
        raise Conflict("They have a password already: make a start password.", code="has-password")
    _end(by, person)
    return _invite(by, person)


@transaction.atomic
def withdraw_invitation(*, by: User, person: User) -> None:
    """The link stops working; again changes nothing. Administrators only."""
    require(by, Capability.ADMINISTER)
    _end(by, User.objects.select_for_update().get(pk=person.pk))


def open_invitation(person: User) -> Invitation | None:
    """The one whose link works now."""
    return person.invitations.filter(ended_at=None, expires_at__gt=now()).first()


def find_invitation(secret: str) -> Invitation:
    """The invitation of this link, where it works. Raises NotFound, Gone."""
    rows = Invitation.objects.select_related("person")
    found = rows.filter(secret_hash=_hash(secret)).first()
    if found is None:
        raise NotFound("There is no such invitation. Look whether the link is whole.")
    _check(found)
    return found


@transaction.atomic
def accept_invitation(*, secret: str, password: str) -> User:
    """The invited person's own password, by the link, once. Raises NotFound, Gone, Invalid."""
    invitation = find_invitation(secret)
    person = User.objects.select_for_update().get(pk=invitation.person_id)
    invitation.person = person
    invitation.refresh_from_db(fields=["ended_at"])
    _check(invitation)
    person.password = check_password(password, person)
    person.save(update_fields=["password"])
    invitation.ended_at = now()
    invitation.save(update_fields=["ended_at"])
    _record("invitation.accepted", person, invitation)
    return person


def _check(invitation: Invitation) -> None:
    person = invitation.person
    over = invitation.ended_at is not None or invitation.expires_at <= now()
    if over or not person.is_active or person.has_usable_password():
        raise Gone("This invitation is over. Ask who sent it for another.", code="invitation-over")


def _invite(by: User, person: User) -> tuple[Invitation, str]:
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        person=person, by=by, secret_hash=_hash(secret), expires_at=now() + LIFETIME
    )
    after = {"expires_at": rfc3339(invitation.expires_at)}
    _record("invitation.created", by, invitation, change=change({}, after))
    return invitation, secret


def _end(by: User, person: User) -> None:
    for invitation in person.invitations.filter(ended_at=None):
        invitation.ended_at = now()
        invitation.save(update_fields=["ended_at"])
        _record("invitation.withdrawn", by, invitation)


def _record(event: str, by: User, invitation: Invitation, **parts: Any) -> None:
    about = {"kind": "invitation", "id": str(invitation.pk)}
    person = {"person": str(invitation.person.actor_ref)}
    record(event, actor=person_actor(by), object=about | person, **parts)
