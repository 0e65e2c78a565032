"""One permit key follows another: for a while both sign, and both stay listed for ever."""

from pathlib import Path

from django.conf import settings
from django.db import transaction

from approvals.lifecycle.receipt import new_pem, publish, signer_of, signers
from approvals.models import SigningKey
from portal.kernel import key_files
from portal.kernel.errors import Conflict
from portal.ledger.actors import SYSTEM
from portal.ledger.record import record

_TWO = "Two keys sign already. Retire the previous one first."


def rotate_permit_key() -> str:
    """Make the next permit key; the one before signs too until `retire_previous_key`. Its id.

    Raises Conflict while a rotation is under way and where the key is in no file, and
    FileNotFoundError where there is no key yet.
    """
    if settings.PERMIT_SIGNER:
        raise Conflict(
            "The permit key is not in a file. Name the next one in COUNTERSIGN_PERMIT_SIGNER and "
            "restart web: the one before stays listed as retired."
        )
    current, *previous = signers()
    if previous:
        raise Conflict(_TWO)
    pem = new_pem()
    following = signer_of(pem, "the new key")
    with transaction.atomic():
        kid = publish([following, current])
        _record("key.rotated", kid, previous=str(current.public_key.keyid))
        _rotate(settings.SIGNING_KEY_FILE, pem)  # last: no transaction takes it back
    return kid


def retire_previous_key() -> str:
    """Let the newest permit key sign alone; the id of the one that signs no more.

    Raises Conflict when only one signs.
    """
    current, *previous = signers()
    if not previous:
        raise Conflict("No rotation is under way: one key signs.")
    kid = str(previous[0].public_key.keyid)
    with transaction.atomic():
        SigningKey.objects.filter(kid=kid).update(status=SigningKey.KeyStatus.RETIRED)
        _record("key.retired", kid, following=str(current.public_key.keyid))
        key_files.finish(settings.SIGNING_KEY_FILE)
    return kid


def _rotate(path: Path, pem: bytes) -> None:
    try:
        key_files.rotate(path, pem)
    except FileExistsError:  # another rotation came between
        raise Conflict(_TWO) from None


def _record(event: str, kid: str, **other: str) -> None:
    record(event, actor=SYSTEM, object={"kind": "key", "id": kid, "purpose": "permit", **other})
