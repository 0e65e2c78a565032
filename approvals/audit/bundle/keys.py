"""The public keys that a bundle brings along."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db.models import QuerySet

from approvals.models import SigningKey
from portal.ledger.tiles import fetch


def permit_keys() -> bytes:
    """The keys of receipts and manifests, as the portal publishes them."""
    found = [key.published() for key in _permit_keys()]
    return orjson.dumps({"keys": found}, option=orjson.OPT_INDENT_2)


def permit_pems() -> Iterator[tuple[str, bytes]]:
    """The same by their ids, as most programs take them."""
    for key in _permit_keys():
        x, y = (_number(key.jwk[axis]) for axis in ("x", "y"))
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        yield key.kid, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def checkpoint_keys() -> bytes:
    """The keys of checkpoints as name+id+key, the oldest first, one a line."""
    rows = fetch("SELECT vkey FROM ledger_key ORDER BY at", [])
    return "".join(f"{vkey}\n" for (vkey,) in rows).encode()


def _permit_keys() -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(purpose="permit").order_by("created_at")


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "="), "big")
