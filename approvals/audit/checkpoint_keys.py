"""The keys that sign checkpoints, as the sealer's tables show them: listed, and recorded.

The sealer writes no entries. The portal records what it sees of the signatures, whoever meant it:
nobody lets another key sign and leaves no trace of that in the log itself.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import transaction

from approvals.models import SigningKey
from portal.ledger.actors import SYSTEM
from portal.ledger.note import Key, key_of
from portal.ledger.record import record
from portal.ledger.tiles import fetch

PURPOSE = "checkpoint"

_KEYS = """
    SELECT vkey, known.at, last.at, last.size = (SELECT max(size) FROM ledger_signature)
    FROM ledger_key AS known CROSS JOIN LATERAL (
        SELECT size, at FROM ledger_signature WHERE key = vkey ORDER BY size DESC LIMIT 1
    ) AS last ORDER BY known.at, vkey
"""
# The key before that signed a checkpoint together with this one.
_BESIDE = """
    SELECT other.key FROM ledger_signature AS one JOIN ledger_signature AS other USING (size)
    JOIN ledger_key AS its ON its.vkey = one.key
    JOIN ledger_key AS before ON before.vkey = other.key
    WHERE one.key = %s AND before.at < its.at ORDER BY size LIMIT 1
"""
_ACTIVE, _RETIRED = SigningKey.KeyStatus.ACTIVE, SigningKey.KeyStatus.RETIRED


def kid_of(vkey: str) -> str:
    """The id under which a key of checkpoints is listed beside other keys."""
    return sha256(vkey.encode()).hexdigest()


@dataclass(frozen=True)
class CheckpointKey:
    """A key as `name+id+key`, when it signed first and last, and whether it signed the newest."""

    vkey: str
    since: datetime
    last: datetime
    signs: bool

    @property
    def kid(self) -> str:
        """The id under which it is listed."""
        return kid_of(self.vkey)

    @property
    def key(self) -> Key:
        """Its parts."""
        return key_of(self.vkey)


def checkpoint_keys() -> list[CheckpointKey]:
    """All that ever signed a checkpoint, the oldest first."""
    return [CheckpointKey(*row) for row in fetch(_KEYS, [])]


@transaction.atomic
def list_checkpoint_keys() -> None:
    """Put them on the list of public keys; active are those that signed the newest checkpoint."""
    known = dict(SigningKey.objects.filter(purpose=PURPOSE).values_list("kid", "status"))
    for one in checkpoint_keys():
        status = known.get(one.kid)
        if status is None:
            began = _insert(one)
        else:
            began = status == _RETIRED and one.signs and _moved(one, _RETIRED, _ACTIVE)
        if began:
            _record_begin(one)
        if not one.signs and status != _RETIRED and _moved(one, _ACTIVE, _RETIRED):
            _record("key.retired", one)


def _insert(one: CheckpointKey) -> bool:
    """Whether it was not there yet."""
    public = urlsafe_b64encode(one.key.public).rstrip(b"=").decode()
    kind = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}
    jwk = {**kind, "x": public, "vkey": one.vkey}
    _, created = SigningKey.objects.get_or_create(
        kid=one.kid, defaults={"purpose": PURPOSE, "jwk": jwk, "created_at": one.since}
    )
    return created


def _moved(one: CheckpointKey, old: str, new: str) -> bool:
    """Whether this is the call that changed the status."""
    return bool(SigningKey.objects.filter(kid=one.kid, status=old).update(status=new))


def _record_begin(one: CheckpointKey) -> None:
    """A key that signed beside the one before follows it; nobody vouched for any other."""
    beside = fetch(_BESIDE, [one.vkey])
    if beside:
        _record("key.rotated", one, previous=kid_of(beside[0][0]))
    else:
        _record("key.created", one)


def _record(event: str, one: CheckpointKey, **other: str) -> None:
    about = {"kind": "key", "id": one.kid, "purpose": PURPOSE, "vkey": one.vkey}
    record(event, actor=SYSTEM, object={**about, **other})
