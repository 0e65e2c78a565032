"""Adding, changing and deactivating people, and what each may set for themselves."""

import secrets
import zoneinfo
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from portal.access import Capability, require
from portal.access.administered import check_administered, lock_portal
from portal.access.grants import found_administrator
from portal.access.models import Organisation
from portal.accounts.devices import end_sessions
from portal.accounts.models import User
from portal.kernel.errors import Conflict, Forbidden, Invalid
from portal.kernel.validation import changed_fields, check_row, insert_row, invalid
from portal.ledger.actors import SYSTEM, Actor, person_actor
from portal.ledger.change import change
from portal.ledger.record import record

PERSONAL = ("username", "name", "email")
IDENTIFYING = {"username", "email"}
SETTINGS = ("theme", "time_zone", "single_keys")


def start_password() -> str:
    """A password for the first sign-in, easy to read out: 100 bits, no look-alikes."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


def _record(event: str, actor: Actor, person: User, change_part: dict[str, Any]) -> None:
    record(
        event,
        actor=actor,
        object={"kind": "person", "id": str(person.actor_ref)},
        change=change_part,
    )


def check_password(password: str, person: User) -> str:
    """What is stored of a password that is good enough. Raises Invalid."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise invalid("password", " ".join(error.messages)) from error
    return make_password(password)


def _taken() -> Invalid:
    return invalid("username", "Somebody signs in with this name already.")


def insert_person(
    actor: Actor, *, username: str, name: str, email: str, password: str | None, **more: str
) -> User:
    """Add a person, without a password a person who cannot sign in by one. The caller has checked
    that `actor` may, inside its transaction. Raises Invalid."""
    person = User(username=username, name=name, email=email)
    check_row(person, ["username"])
    person.password = make_password(None) if password is None else check_password(password, person)
    try:
        insert_row(person)
    except Conflict as error:  # somebody took the name meanwhile
        raise _taken() from error
    # Names stay out of the ledger: they must be erasable, entries are not.
    _record("person.created", actor, person, change({}, {"is_active": True, **more}))
    return person


@transaction.atomic
def create_person(*, by: User, username: str, name: str, password: str, email: str = "") -> User:
    """Add a person. Administrators only. Raises Forbidden, Invalid."""
    require(by, Capability.ADMINISTER)
    return insert_person(
        person_actor(by), username=username, name=name, email=email, password=password
    )


@transaction.atomic
def add_person_from(*, source: str, username: str, name: str, email: str) -> User:
    """A person whom a source brings, by the system; they have no password.

    An address that is somebody's already is left out: it tells who wrote a commit. Raises Invalid,
    also for a sign-in name that is somebody's.
    """
    if User.objects.filter(email__iexact=email).exists():
        email = ""
    return insert_person(
        SYSTEM, username=username, name=name, email=email, password=None, source=source
    )


@transaction.atomic
def found_portal(
    *, organisation: str, username: str, name: str, password: str, email: str = ""
) -> User:
    """Set up an empty portal: its organisation and first administrator, by the system.

    Raises Forbidden once somebody administers the portal, Invalid.
    """
    target, _made = Organisation.objects.get_or_create(pk=1, defaults={"name": organisation})
    target = Organisation.objects.select_for_update().get(pk=target.pk)
    person = insert_person(SYSTEM, username=username, name=name, email=email, password=password)
    found_administrator(to=person, target=target, actor=SYSTEM)
    return person


def lock_person(person: User) -> User:
    """The person's row, locked until the transaction ends. Raises Conflict for who was erased."""
    found = User.objects.select_for_update().get(pk=person.pk)
    check_not_erased(found)
    return found


def check_not_erased(person: User) -> None:
    """Raise Conflict for a row of which only the reference is left."""
    if person.erased_at is not None:
        raise Conflict("This person was erased. Add them anew.", code="erased-person")


@transaction.atomic
def change_person(*, by: User, person: User, **wanted: str) -> User:
    """Change sign-in name, name or e-mail address. Administrators only.

    The entry names the fields, not their content. Raises Forbidden (also for what identifies
    oneself), Invalid.
    """
    require(by, Capability.ADMINISTER)
    unknown = set(wanted) - set(PERSONAL)
    if unknown:
        raise invalid(min(unknown), "This cannot be changed here.")
    person = lock_person(person)
    moved = changed_fields(person, wanted)
    if not moved:
        return person
    if by.pk == person.pk and IDENTIFYING & set(moved):
        raise Forbidden(
            "You cannot change your own sign-in name or e-mail address: they say which changes are "
            "yours. Ask another administrator.",
            code="own-account",
        )
    rewrite_person(person_actor(by), person, moved)
    return person


def rewrite_person(actor: Actor, person: User, moved: dict[str, str]) -> None:
    """Give the locked `person` these new values. The caller has checked that `actor` may.

    Raises Invalid.
    """
    for field, value in moved.items():
        setattr(person, field, value)
    check_row(person, moved)
    try:
        with transaction.atomic():
            person.save(update_fields=list(moved))
    except IntegrityError as error:
        raise _taken() from error
    _record("person.changed", actor, person, {"fields": sorted(moved)})


def _set_active(by: User, person: User, *, active: bool) -> User:
    require(by, Capability.ADMINISTER)
    if by.pk == person.pk:
        raise Forbidden(
            "You cannot change this for yourself. Ask another administrator.", code="own-account"
        )
    lock_portal()
    person = lock_person(person)
    if person.is_active != active:
        switch_person(person_actor(by), person, active=active)
    return person


def switch_person(actor: Actor, person: User, *, active: bool) -> None:
    """Deactivate or reactivate `person`. The caller has checked that `actor` may, and locked the
    portal before the person. Raises Conflict where nobody would administer the portal any more."""
    person.is_active = active
    person.deactivated_by = "" if active else actor.ref
    person.save(update_fields=["is_active", "deactivated_by"])
    if not active:
        end_sessions(person)
        check_administered()
    moved = change({"is_active": not active}, {"is_active": active})
    _record("person.changed", actor, person, moved)


@transaction.atomic
def deactivate_person(*, by: User, person: User) -> User:
    """End every right of `person` at once, sessions included. Administrators, not themselves."""
    return _set_active(by, person, active=False)


@transaction.atomic
def reactivate_person(*, by: User, person: User) -> User:
    """Undo `deactivate_person`; memberships and roles count again."""
    return _set_active(by, person, active=True)


@transaction.atomic
def reset_password(*, by: User, person: User) -> str:
    """Give `person` a new start password and return it; their sessions end.

    Administrators, not for themselves. The entry makes it visible who could sign in as whom.
    """
    require(by, Capability.ADMINISTER)
    if by.pk == person.pk:
        raise Forbidden("Change your own password in your settings.", code="own-account")
    person = lock_person(person)
    if not person.is_active:
        raise Conflict("This person is deactivated. Reactivate them first.", code="inactive-person")
    password = start_password()
    person.password = make_password(password)
    person.save(update_fields=["password"])
    end_sessions(person)
    _record("person.changed", person_actor(by), person, {"fields": ["password"]})
    return password


@transaction.atomic
def set_own_password(*, person: User, password: str) -> None:
    """A person's own new password, checked by the caller (the sign-in adapter).

    Every session ends; the one that asks is begun anew by its view.
    """
    person.set_password(password)
    person.save(update_fields=["password"])
    end_sessions(person)
    _record("person.changed", person_actor(person), person, {"fields": ["password"]})


@transaction.atomic
def change_settings(*, by: User, **wanted: Any) -> User:
    """A person's own theme, time zone and single keys. Raises Invalid."""
    unknown = set(wanted) - set(SETTINGS)
    if unknown:
        raise invalid(min(unknown), "This is not a setting.")
    person = lock_person(by)
    moved = changed_fields(person, wanted)
    if not moved:
        return person
    if "time_zone" in moved and moved["time_zone"] not in zoneinfo.available_timezones():
        raise invalid("time_zone", "This time zone is not known.")
    for field, value in moved.items():
        setattr(person, field, value)
    check_row(person, moved)
    person.save(update_fields=list(moved))
    _record("person.changed", person_actor(by), person, {"fields": sorted(moved)})
    return person
