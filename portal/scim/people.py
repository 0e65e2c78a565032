"""What a directory does to people: adds, changes, deactivates, removes them.

Each runs in a transaction in which the directory is locked, so that its changes come one by one.
"""

from typing import Any

import orjson

from portal.access.administered import lock_portal
from portal.accounts.models import User as Person
from portal.accounts.people import insert_person, lock_person, rewrite_person, switch_person
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from portal.kernel.text import text_problem
from portal.kernel.validation import changed_fields, check_row
from portal.ledger.actors import directory_actor
from portal.scim.errors import Taken
from portal.scim.groups import leave_all
from portal.scim.guard import check_return, check_rewrite
from portal.scim.models import Directory, KeptPerson
from portal.scim.resources import Email, User

MOST_PROFILE_BYTES = 8_192


def add_person(directory: Directory, wanted: User) -> KeptPerson:
    """A new person, who has no password and no right.

    Somebody whom it removed gives the sign-in name back, and stays who they were: names come
    again, people do not. Raises Taken, Invalid.
    """
    actor, fields = directory_actor(directory), _fields(wanted)
    _free(directory, fields["username"])
    person = insert_person(actor, **fields, password=None)
    kept = KeptPerson(directory=directory, person=person)
    _keep(kept, wanted)
    if wanted.active is False:
        lock_portal()
        switch_person(actor, person, active=False)
    return kept


def _free(directory: Directory, username: str) -> None:
    holder = _holder(username)
    if holder is None:
        return
    removed = KeptPerson.objects.filter(directory=directory, person=holder).exclude(removed_at=None)
    if holder.is_active or not removed.exists():
        raise Taken("Somebody signs in with this name already. An administrator can hand them to "
                    "this directory.")  # fmt: skip
    holder = lock_person(holder)
    freed = {"username": f"removed-{holder.actor_ref}"}
    rewrite_person(directory_actor(directory), holder, freed)


def change_person(kept: KeptPerson, wanted: User) -> None:
    """Make the person what the directory says. Raises Forbidden, Conflict, Taken, Invalid."""
    lock_portal()
    directory, person = kept.directory, lock_person(kept.person)
    actor = directory_actor(directory)
    if moved := changed_fields(person, _fields(wanted)):
        check_rewrite(person)
        _check_free(person, moved)
        rewrite_person(actor, person, moved)
    if wanted.active is not None and wanted.active != person.is_active:
        if wanted.active:
            check_return(directory, person)
        switch_person(actor, person, active=wanted.active)
    kept.person, kept.changed_at = person, now()
    _keep(kept, wanted)


def _check_free(person: Person, moved: dict[str, Any]) -> None:
    holder = _holder(moved["username"]) if "username" in moved else None
    if holder is not None and holder.pk != person.pk:
        raise Taken("Somebody else signs in with this name.")


def _holder(username: str) -> Person | None:
    """Who signs in with this name; nobody with one that cannot be."""
    if text_problem(username):
        return None
    return Person.objects.filter(username__iexact=username).first()


def remove_person(kept: KeptPerson) -> None:
    """Deactivate the person, end the memberships the directory keeps, and show them no more.

    Raises Conflict where nobody would administer the portal any more.
    """
    lock_portal()
    directory, person = kept.directory, lock_person(kept.person)
    if person.is_active:
        switch_person(directory_actor(directory), person, active=False)
    leave_all(directory, person)
    kept.removed_at = now()
    kept.save(update_fields=["removed_at"])


def _keep(kept: KeptPerson, wanted: User) -> None:
    profile = wanted.model_dump(include={"display_name", "name", "emails"})
    profile.pop("schemas", None)
    kept.profile, kept.external_id = profile, wanted.external_id or ""
    _check_profile(kept.profile)
    check_row(kept, ["external_id"])
    kept.save()


def _check_profile(profile: dict[str, Any]) -> None:
    written = orjson.dumps(profile)
    if len(written) > MOST_PROFILE_BYTES:
        raise Invalid(f"Names and addresses are over {MOST_PROFILE_BYTES} bytes. Send less.")
    # Controls are escaped in JSON, so they are looked for in the texts themselves.
    if problem := next(filter(None, map(text_problem, _texts(profile))), None):
        raise Invalid(f"A name or an address {problem}.")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]


def _fields(wanted: User) -> dict[str, str]:
    return {
        "username": wanted.user_name or "",
        "name": _name(wanted),
        "email": _address(wanted.emails or []),
    }


def _name(wanted: User) -> str:
    name = wanted.name
    parts = [part for part in (name.given_name, name.family_name) if part] if name else []
    formatted = name.formatted if name else None
    return wanted.display_name or formatted or " ".join(parts) or wanted.user_name or ""


def _address(emails: list[Email]) -> str:
    ordered = sorted(emails, key=lambda one: (not one.primary, one.type != "work"))
    return next((one.value for one in ordered if one.value), "")
