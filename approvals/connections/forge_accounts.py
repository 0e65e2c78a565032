"""Showing that an account at a forge is somebody's: the forge says which, and its keys who signed.

The forge is asked through any connection that reads it; whose project that belongs to does not
matter, for what is asked is public.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from approvals.context.connected import noting_errors
from approvals.context.fetch import Fetch
from approvals.context.parts import ForgeSource
from approvals.context.registry import CONNECTED
from approvals.context.source import SourceFailed
from approvals.models import Connection
from approvals.requesters import forge_of
from portal.accounts.forge_accounts import (
    NAMESPACE,
    AtForge,
    link_by_hand,
    link_signed,
    make_challenge,
)
from portal.accounts.models import PROVIDERS, ForgeAccount, ForgeChallenge, User
from portal.kernel.clock import now
from portal.kernel.errors import Unavailable
from portal.kernel.ssh_signature import BadSignature, signed_by
from portal.kernel.text import make_visible
from portal.kernel.validation import invalid

T = TypeVar("T")
Forge = tuple[str, str]


def connected_forges() -> dict[Forge, list[Connection]]:
    """The connections through which each forge (provider, host) can be asked now."""
    found: dict[Forge, list[Connection]] = {}
    rows = Connection.objects.filter(
        kind__in=dict(PROVIDERS), archived_at=None, paused_at=None
    ).order_by("created_at")
    for row in rows:
        forge = forge_of(row)
        if forge is not None:
            found.setdefault(forge, []).append(row)
    return found


def begin_link(*, by: User, forge: Forge, login: str) -> ForgeChallenge:
    """What `by` has to sign to link the account of this name.

    Raises Invalid for one that is not there, Conflict, Unavailable.
    """
    return make_challenge(by=by, account=_account(forge, login))


def finish_link(*, by: User, challenge: ForgeChallenge, signature: str) -> ForgeAccount:
    """Link it, if a key that the forge publishes for the account signed the text.

    Raises Invalid for another signature, Gone, Conflict, Unavailable.
    """
    forge = (challenge.provider, challenge.host)
    keys = _asked(
        forge, lambda source, place: source.keys(place, challenge.number, challenge.login)
    )
    try:
        key = signed_by(challenge.text, signature, NAMESPACE, keys)
    except BadSignature as bad:
        raise invalid("signature", str(bad)) from None
    return link_signed(by=by, challenge=challenge, key=key)


def link_for(*, by: User, person: User, forge: Forge, login: str, reason: str) -> ForgeAccount:
    """An administrator links the account of this name to somebody by hand.

    Raises Forbidden, Invalid, Conflict, Unavailable.
    """
    return link_by_hand(by=by, person=person, account=_account(forge, login), reason=reason)


def _account(forge: Forge, login: str) -> AtForge:
    found = _asked(forge, lambda source, place: source.account(place, login))
    if found is None:
        raise invalid("login", "The forge knows no account of this name.")
    return AtForge(*forge, *found)


def _asked(forge: Forge, question: Callable[[ForgeSource[Any], Any], T]) -> T:
    """What the forge says, asked now through the first connection that it answers.

    Raises Unavailable with what the last of them said.
    """
    why = "no connection reads this forge any more"
    for connection in connected_forges().get(forge, []):
        source = CONNECTED.get(connection.kind)
        if not isinstance(source, ForgeSource):
            continue
        fetch = Fetch(
            connection,
            budget=source.budget,
            time_to_live=source.time_to_live,
            not_before=now(),
        )
        try:
            with noting_errors(connection):
                return question(source, source.repository(fetch))
        except SourceFailed as failure:
            why = make_visible(str(failure))
    raise Unavailable(f"The forge could not be asked: {why}.")
