"""Accounts at forges, linked to the people behind them: proved by a signature, or by hand."""

import secrets
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from portal.access import Capability, require
from portal.accounts.models import ForgeAccount, ForgeChallenge, User
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Conflict, Forbidden, Gone
from portal.kernel.validation import insert_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.change import change, state_of
from portal.ledger.record import record

NAMESPACE = "countersign"  # of signatures: one made for git or for a file is good for nothing here
LIFETIME = timedelta(minutes=15)
MOST_AN_HOUR = 10
RECORDED = ("provider", "host", "how", "reason")


class AtForge(NamedTuple):
    """An account at a forge: where, its number there, and its name as it is now."""

    provider: str
    host: str
    number: int
    login: str


def make_challenge(*, by: User, account: AtForge) -> ForgeChallenge:
    """What `by` has to sign to link an account that the forge says exists. Raises Conflict."""
    _refuse_linked(account)
    at = now()
    lately = ForgeChallenge.objects.filter(person=by, made_at__gt=at - timedelta(hours=1))
    if lately.count() >= MOST_AN_HOUR:
        raise Conflict("You began this too often in the last hour. Try again later.")
    expires_at = at + LIFETIME
    text = (
        f"I link the account {account.login} ({account.provider}:{account.number}) at "
        f"{account.host} to {by.username} ({by.pk}) at {settings.PUBLIC_URL}.\n"
        f"Good until {rfc3339(expires_at)}, once: {secrets.token_hex(16)}\n"
    )
    return ForgeChallenge.objects.create(
        person=by, **account._asdict(), text=text, made_at=at, expires_at=expires_at
    )


@transaction.atomic
def link_signed(*, by: User, challenge: ForgeChallenge, key: str) -> ForgeAccount:
    """Link the account of a challenge whose signature by `key` (a fingerprint) was verified.

    Raises Gone for a challenge that was used, is too old or somebody else's; Conflict.
    """
    fresh = ForgeChallenge.objects.filter(
        pk=challenge.pk, person=by, used_at=None, expires_at__gt=now()
    )
    if not fresh.update(used_at=now()):
        raise Gone("This text cannot be signed any more. Begin again.")
    account = AtForge(challenge.provider, challenge.host, challenge.number, challenge.login)
    return _link(by, by, account, ForgeAccount.How.SIGNED, f"Key {key}")


@transaction.atomic
def link_by_hand(*, by: User, person: User, account: AtForge, reason: str) -> ForgeAccount:
    """Say that an account is `person`'s, or that they answer for the bot that it is.

    Administrators, not for themselves: whoever is known as its author is no unknown one. Raises
    Forbidden, Invalid, Conflict.
    """
    require(by, Capability.ADMINISTER)
    if by.pk == person.pk:
        raise Forbidden(
            "You cannot link an account to yourself by hand. Sign the text under your preferences, "
            "or ask another administrator.",
            code="own-account",
        )
    if not reason.strip():
        raise invalid("reason", "Say how you know, for the ledger.")
    return _link(by, person, account, ForgeAccount.How.BY_HAND, reason)


@transaction.atomic
def unlink(*, by: User, account: ForgeAccount) -> None:
    """End a link. Administrators, not their own: it says which changes are theirs.

    Raises Forbidden; ending it again changes nothing.
    """
    require(by, Capability.ADMINISTER)
    if by.pk == account.person_id:
        raise Forbidden(
            "You cannot end a link of your own: it says which changes are yours. Ask another "
            "administrator.",
            code="own-account",
        )
    at = now()
    if ForgeAccount.objects.filter(pk=account.pk, archived_at=None).update(archived_at=at):
        account.archived_at = at
        _record("forge_account.unlinked", by, account, {"archived_at": None}, ("archived_at",))


def _link(
    by: User, person: User, account: AtForge, how: ForgeAccount.How, reason: str
) -> ForgeAccount:
    _refuse_linked(account)
    if not person.is_active:
        raise Conflict("This person is deactivated.", code="inactive-person")
    row = ForgeAccount(
        person=person,
        **account._asdict(),
        how=how,
        reason=reason.strip(),
        linked_by=by,
        linked_at=now(),
    )
    insert_row(row)
    _record("forge_account.linked", by, row, {}, RECORDED)
    return row


def _refuse_linked(account: AtForge) -> None:
    same = {"provider": account.provider, "host": account.host, "number": account.number}
    if ForgeAccount.objects.filter(**same, archived_at=None).exists():
        raise Conflict(
            "This account is linked already. If that is wrong, an administrator can end the link.",
            code="exists",
        )


def _record(
    event: str,
    by: User,
    account: ForgeAccount,
    before: dict[str, None],
    fields: tuple[str, ...],
) -> None:
    # Number and name at the forge stay out of the ledger: they must be erasable, entries are not.
    record(
        event,
        actor=person_actor(by),
        object={
            "kind": "forge_account",
            "id": str(account.pk),
            "person": str(account.person.actor_ref),
        },
        change=change(before, state_of(account, fields)),
    )
