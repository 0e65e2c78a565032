"""The key of permits, and the DSSE envelope it signs (LEDGER: keys and receipts)."""

import json
import logging
from base64 import urlsafe_b64encode
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import transaction
from securesystemslib.dsse import Envelope
from securesystemslib.signer import (  # type: ignore[attr-defined]
    CryptoSigner,
    Key,
    Signer,
    SSlibKey,
)

from approvals.models import SigningKey
from portal.kernel import key_files
from portal.kernel.clock import now
from portal.kernel.errors import Unavailable
from portal.ledger.actors import SYSTEM
from portal.ledger.record import record

log = logging.getLogger(__name__)

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def ensure_signing_key() -> str:
    """Make the permit key if it is a file and there is none, and publish its public half; its id.

    Raises UnverifiedSignatureError where a signer elsewhere signs with another key than it should.
    """
    path: Path = settings.SIGNING_KEY_FILE
    if not settings.PERMIT_SIGNER and not path.exists():
        key_files.create(path, new_pem())
    found = signers()
    for one in found:
        _prove(one)
    return publish(found)


def new_pem() -> bytes:
    """A new private key for permits."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _prove(found: Signer) -> None:
    """A receipt that nobody can verify is found at the start, not in an audit."""
    probe = b"countersign"
    found.public_key.verify_signature(found.sign(probe), probe)


def signers() -> list[Signer]:
    """Who signs permits: what the URI names, such as a key service, or the key file; and the file
    before it while one takes the other's place. The newest first.

    Raises FileNotFoundError before `ensure_signing_key` ran, TypeError for a key that is not P-256,
    ValueError for a URI of an unknown scheme; what the service raises.
    """
    if settings.PERMIT_SIGNER:
        return [_elsewhere(settings.PERMIT_SIGNER, settings.PERMIT_PUBLIC_KEY_FILE)]
    found = key_files.read(settings.SIGNING_KEY_FILE)
    return [signer_of(pem, str(path)) for path, pem in found.items()]


@lru_cache(maxsize=4)
def signer_of(pem: bytes, name: str) -> Signer:
    """The signer with this private key. Raises TypeError, with the name, for another kind."""
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{name}: not an EC private key")
    return CryptoSigner(key)


@lru_cache(maxsize=4)
def _elsewhere(uri: str, public_file: Path) -> Signer:
    key = serialization.load_pem_public_key(public_file.read_bytes())
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise TypeError(f"{public_file}: not a P-256 public key")
    return Signer.from_priv_key_uri(uri, SSlibKey.from_crypto(key), _secret)


def _secret(name: str) -> str:
    """What a signer asks for before it signs: the PIN of a hardware module."""
    path: Path | None = settings.PERMIT_SIGNER_SECRET_FILE
    if path is None:
        raise ValueError(f"The signer wants its {name}: set COUNTERSIGN_PERMIT_SIGNER_SECRET_FILE.")
    return path.read_text().strip()


def publish(found: list[Signer]) -> str:
    """List the keys that sign; where one is new, any other signs no more. The first one's id."""
    kids = [str(one.public_key.keyid) for one in found]
    with transaction.atomic():
        new = [_listed(one.public_key) for one in found]
        if any(new):
            older = SigningKey.objects.filter(purpose="permit").exclude(kid__in=kids)
            older.update(status=SigningKey.KeyStatus.RETIRED)  # stays listed: receipts live on
    return kids[0]


def _listed(key: Key) -> bool:
    """Put a public key on the list; whether it is new there."""
    _, created = SigningKey.objects.get_or_create(
        kid=key.keyid,
        defaults={"purpose": "permit", "jwk": _jwk(key), "created_at": now()},
    )
    if created:
        record("key.created", actor=SYSTEM, object={"kind": "key", "id": key.keyid})
    return created


def _jwk(key: Key) -> dict[str, str]:
    public = serialization.load_pem_public_key(key.keyval["public"].encode())
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError("not an EC public key")
    numbers = public.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "x": _base64url(numbers.x),
        "y": _base64url(numbers.y),
    }


def _base64url(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def sign(statement: dict[str, Any]) -> dict[str, Any]:
    """The DSSE envelope over an in-toto statement, as JSON.

    Raises Unavailable where the signer does not sign, whatever its service says of that.
    """
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    try:
        for signer in signers():
            envelope.sign(signer)
    except Exception as error:
        log.exception("the signer of permits does not sign")
        raise Unavailable(
            "The signer of permits does not answer. The approval stands; try again."
        ) from error
    return dict(envelope.to_dict())
