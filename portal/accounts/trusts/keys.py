"""The keys of issuers: read from the trust's address only, the last good ones kept.

A token can make the portal read them again at most once a minute, whatever keys it names.
"""

from datetime import timedelta
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Q

from portal.accounts.trusts.models import Trust
from portal.accounts.trusts.verify import UnknownKey, claims_of, usable_keys
from portal.kernel.clock import now
from portal.kernel.errors import Unavailable
from portal.kernel.outgoing import OutgoingFailed, Reach, parse_address, send
from portal.ledger.actors import SYSTEM
from portal.ledger.change import change
from portal.ledger.record import record

FRESH = timedelta(hours=1)
KEPT = timedelta(days=1)  # through an outage of the issuer
PAUSE = timedelta(minutes=1)
SECONDS = 5.0
MOST_BYTES = 256 * 1024


def believed_claims(trust: Trust, token: str, *, also_over: bool = False) -> dict[str, Any]:
    """The claims of a token that holds for this trust; `also_over`: or did until it ended.

    Raises NotAccepted, Unavailable.
    """
    if trust.keys_read_at is None or trust.keys_read_at <= now() - FRESH:
        _read_again(trust)
    if trust.keys_read_at is None or trust.keys_read_at <= now() - KEPT:
        problem = trust.keys_problem or "they are being read"
        raise Unavailable(f"The keys of the trust “{trust}” are not known: {problem}. Try again.")
    try:
        return claims_of(token, trust.believed, also_over=also_over)
    except UnknownKey:
        if not _read_again(trust):
            raise
        return claims_of(token, trust.believed, also_over=also_over)


def _read_again(trust: Trust) -> bool:
    """Read the keys, unless somebody did within a minute; whether there are new ones."""
    due = Q(keys_tried_at=None) | Q(keys_tried_at__lte=now() - PAUSE)
    if not Trust.objects.filter(due, pk=trust.pk).update(keys_tried_at=now()):
        known = trust.keys
        trust.refresh_from_db(fields=["keys", "keys_read_at", "keys_problem"])
        return bool(trust.keys != known)
    try:
        keys = usable_keys(_fetched(trust), trust.algorithm)
    except OutgoingFailed as problem:
        return _failed(trust, str(problem))
    except ValueError as problem:
        return _failed(trust, f"what is at the address {problem}")
    return _keep(trust, keys)


def _fetched(trust: Trust) -> object:
    """What is at the trust's address. Raises OutgoingFailed, ValueError."""
    address = parse_address(trust.keys_url)
    reach = Reach(frozenset({f"{address.name}:{address.port}"}), private=trust.private)
    got = send("GET", trust.keys_url, reach, seconds=SECONDS, most_bytes=MOST_BYTES)
    if got.status != 200:
        raise OutgoingFailed(f"its server answers {got.status}")
    try:
        return orjson.loads(got.body)
    except orjson.JSONDecodeError:
        raise ValueError("is no JSON") from None


def _failed(trust: Trust, problem: str) -> bool:
    trust.keys_problem = problem[:300]
    trust.save(update_fields=["keys_problem"])
    return False


@transaction.atomic
def _keep(trust: Trust, keys: list[dict[str, str]]) -> bool:
    old = Trust.objects.select_for_update().get(pk=trust.pk).keys
    trust.keys, trust.keys_read_at, trust.keys_problem = keys, now(), ""
    trust.save(update_fields=["keys", "keys_read_at", "keys_problem"])
    if old == keys:
        return False
    record(
        "trust.keys_changed",
        actor=SYSTEM,
        project=trust.project_id,
        object={"kind": "trust", "id": str(trust.pk)},
        change=change({"kids": _names(old)}, {"kids": _names(keys)}),
    )
    return True


def _names(keys: list[dict[str, str]]) -> list[Any]:
    return sorted(key["kid"] for key in keys)
