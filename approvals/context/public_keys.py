"""Public keys that people name, and what they verify: ECDSA P-256, Ed25519 and RSA; SHA-256 only.

The key alone chooses the algorithm; nothing that is signed can.
"""

import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

MOST = 20
SMALLEST_RSA, LARGEST_RSA = 2048, 8192
_ENTRY = re.compile(
    r"\s*([A-Za-z0-9][A-Za-z0-9._@:/-]{0,99})\s*=\s*"
    r"(?:-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----"
    r"|([A-Za-z0-9+/]+={0,2}))[^\S\n]*(?:\n|$)\s*"
)
_PADDINGS = (padding.PKCS1v15(), padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO))

Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


@dataclass(frozen=True)
class NamedKey:
    """A public key and what people call who signs with it."""

    name: str
    key: Public

    def verifies(self, data: bytes, signature: bytes) -> bool:
        """Whether the signature is of this data and by this key."""
        if isinstance(self.key, rsa.RSAPublicKey):
            return any(_by_rsa(self.key, data, signature, how) for how in _PADDINGS)
        with suppress(InvalidSignature):
            if isinstance(self.key, ec.EllipticCurvePublicKey):
                self.key.verify(signature, data, ec.ECDSA(SHA256()))
            else:
                self.key.verify(signature, data)
            return True
        return False


def signers(keys: Iterable[NamedKey], data: bytes, signatures: Iterable[bytes]) -> tuple[str, ...]:
    """Names of the keys that verify one of the signatures, in the order of the keys."""
    given = tuple(signatures)
    return tuple(key.name for key in keys if any(key.verifies(data, one) for one in given))


@lru_cache(maxsize=64)
def named_keys(text: str) -> tuple[NamedKey, ...]:
    """The keys that a setting names: `name = ` and a PEM block, or its base64 alone on the line.

    A name may stand there twice, as while keys change. Raises ValueError with a sentence.
    """
    if "PRIVATE KEY" in text:
        raise ValueError("A private key does not belong here; enter the public one.")
    found: list[NamedKey] = []
    text, place = text.replace("\r\n", "\n").strip(), 0
    while place < len(text):
        entry = _ENTRY.match(text, place)
        if not entry:
            raise ValueError(
                f"Key {len(found) + 1}: write it like release = -----BEGIN PUBLIC KEY----- and so "
                "on, or with the base64 of the key on the same line."
            )
        found.append(NamedKey(entry[1], _public(entry[1], entry[2] or entry[3])))
        place = entry.end()
    if len(found) > MOST:
        raise ValueError(f"Name at most {MOST} keys.")
    return tuple(found)


def _public(name: str, text: str) -> Public:
    try:
        key = load_der_public_key(b64decode("".join(text.split()), validate=True))
    except (NoBase64, ValueError, UnsupportedAlgorithm):
        raise ValueError(f"What stands behind {name} is no public key.") from None
    match key:
        case ed25519.Ed25519PublicKey():
            return key
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return key
        case rsa.RSAPublicKey(key_size=size) if SMALLEST_RSA <= size <= LARGEST_RSA:
            return key
    raise ValueError(
        f"The key of {name} is of a kind that is not verified here: use ECDSA P-256, Ed25519, or "
        f"RSA with {SMALLEST_RSA} to {LARGEST_RSA} bits."
    )


def _by_rsa(
    key: rsa.RSAPublicKey, data: bytes, signature: bytes, how: padding.AsymmetricPadding
) -> bool:
    with suppress(InvalidSignature):
        key.verify(signature, data, how, SHA256())
        return True
    return False
