"""Second factors of a person: adding and removing them. A passkey is one, and signs in alone.

What proves that a person has the factor is checked before, by the forms; here stands who may, and
the entry. The first factor brings recovery codes, the last one takes them away.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.db import transaction
from django.db.models import QuerySet

from portal.access import Capability, require
from portal.accounts.models import User
from portal.kernel.errors import Conflict, Forbidden, NotFound
from portal.ledger.actors import person_actor
from portal.ledger.record import record

MOST_PASSKEYS = 20
Type = Authenticator.Type


@dataclass(frozen=True)
class Added:
    """A new factor; `codes` are the recovery codes that came with the first one, else empty."""

    factor: Authenticator
    codes: list[str]


def factors_of(person: User) -> QuerySet[Authenticator]:
    """Passkeys and the authenticator app, without the recovery codes; the oldest first."""
    found: QuerySet[Authenticator] = Authenticator.objects.filter(user=person)
    return found.exclude(type=Type.RECOVERY_CODES).order_by("pk")


def codes_left(person: User) -> int:
    """How many recovery codes this person has not used."""
    codes = Authenticator.objects.filter(user=person, type=Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(codes).get_unused_codes()) if codes else 0


@transaction.atomic
def add_app(*, person: User, secret: str) -> Added:
    """An authenticator app that knows `secret`, after it gave a right code. Raises Conflict."""
    _lock(person)
    if factors_of(person).filter(type=Type.TOTP).exists():
        raise Conflict("You have an authenticator app already. Remove it first.", code="has-app")
    return _added(person, TOTP.activate(person, secret).instance)


@transaction.atomic
def add_passkey(*, person: User, name: str, credential: dict[str, Any]) -> Added:
    """A passkey that answered this portal's challenge. Raises Conflict for more than twenty."""
    _lock(person)
    if factors_of(person).filter(type=Type.WEBAUTHN).count() >= MOST_PASSKEYS:
        raise Conflict("These are too many passkeys. Remove one first.", code="too-many-passkeys")
    return _added(person, WebAuthn.add(person, name, credential).instance)


@transaction.atomic
def remove_factor(*, person: User, factor_id: int) -> None:
    """Take one of one's own factors away. Raises NotFound."""
    _lock(person)
    factor = factors_of(person).filter(pk=factor_id).first()
    if factor is None:
        raise NotFound("You have no such passkey or app.")
    _remove(person, person, [factor])


@transaction.atomic
def remove_all_factors(*, by: User, person: User) -> None:
    """Let somebody who lost them sign in by password alone. Administrators, not for themselves."""
    require(by, Capability.ADMINISTER)
    if by.pk == person.pk:
        raise Forbidden("Remove your own in your settings.", code="own-account")
    _lock(person)
    _remove(by, person, factors_of(person))


@transaction.atomic
def renew_codes(*, person: User) -> list[str]:
    """New recovery codes; the old ones are refused. Raises Conflict without another factor."""
    _lock(person)
    if not factors_of(person).exists():
        raise Conflict("Add a passkey or an app first.", code="no-factor")
    Authenticator.objects.filter(user=person, type=Type.RECOVERY_CODES).delete()
    return _make_codes(person)


def _lock(person: User) -> None:
    # Two windows of one person must not each believe that theirs is the first or last factor.
    User.objects.select_for_update().get(pk=person.pk)


def _added(person: User, factor: Authenticator) -> Added:
    _record("factor.added", person, person, factor)
    has_codes = Authenticator.objects.filter(user=person, type=Type.RECOVERY_CODES).exists()
    return Added(factor, [] if has_codes else _make_codes(person))


def _make_codes(person: User) -> list[str]:
    codes = RecoveryCodes.activate(person)
    _record("factor.added", person, person, codes.instance)
    made: list[str] = codes.get_unused_codes()
    return made


def _remove(by: User, person: User, factors: Iterable[Authenticator]) -> None:
    for factor in list(factors):
        _record("factor.removed", by, person, factor)
        factor.delete()
    if not factors_of(person).exists():
        for codes in Authenticator.objects.filter(user=person, type=Type.RECOVERY_CODES):
            _record("factor.removed", by, person, codes)
            codes.delete()


def _record(event: str, by: User, person: User, factor: Authenticator) -> None:
    about = {"kind": "factor", "id": str(factor.pk), "factor": str(factor.type)}
    record(event, actor=person_actor(by), object={**about, "person": str(person.actor_ref)})
