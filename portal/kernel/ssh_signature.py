"""Signatures that `ssh-keygen -Y sign` makes, and which of somebody's published keys made one.

The form is OpenSSH's SSHSIG, version 1. The key decides the algorithm: SHA-1 and small RSA keys are
refused, and a security key must have been touched.
"""

import hashlib
import re
import struct
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

MOST = 16_384  # characters of a signature
SMALLEST_RSA = 2048
_MAGIC = b"SSHSIG"
_ARMOR = re.compile(
    r"\s*-----BEGIN SSH SIGNATURE-----([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----\s*"
)
_SHA: dict[bytes, hashes.HashAlgorithm] = {
    b"rsa-sha2-256": hashes.SHA256(),
    b"rsa-sha2-512": hashes.SHA512(),
    b"ecdsa-sha2-nistp256": hashes.SHA256(),
    b"ecdsa-sha2-nistp384": hashes.SHA384(),
    b"ecdsa-sha2-nistp521": hashes.SHA512(),
}
_SECURITY_KEYS = {
    b"sk-ssh-ed25519@openssh.com": b"ssh-ed25519",
    b"sk-ecdsa-sha2-nistp256@openssh.com": b"ecdsa-sha2-nistp256",
}
_PRESENT = 1


class BadSignature(ValueError):
    """Not a signature of this text by one of these keys; the message says why."""


def signed_by(text: str, signature: str, namespace: str, keys: Iterable[str]) -> str:
    """Fingerprint of the one of `keys` (lines of an authorized_keys file) that signed `text`.

    Raises BadSignature.
    """
    known = {blob for blob in map(_blob, keys) if blob}
    try:
        found = _parse(signature)
        if found.namespace != namespace.encode():
            raise BadSignature(f"It was made for something else: sign with -n {namespace}.")
        if found.key not in known:
            raise BadSignature(
                f"The key that signed ({fingerprint(found.key)}) is none of those that the forge "
                "publishes for this account."
            )
        _verify(found, text.encode())
    except (struct.error, ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, BadSignature):
            raise
        raise BadSignature("This is no SSH signature that can be read here.") from error
    except InvalidSignature:
        raise BadSignature(
            "It is a signature of another text: sign exactly the text on this page."
        ) from None
    return fingerprint(found.key)


def fingerprint(blob: bytes) -> str:
    """A key's fingerprint as OpenSSH writes it."""
    return f"SHA256:{b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


@dataclass(frozen=True)
class _Signature:
    key: bytes
    namespace: bytes
    reserved: bytes
    digest: bytes
    signature: bytes


class _Reader:
    """Reads SSH's length-delimited parts; struct.error where there are too few bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise struct.error("too short")
        self._at += count
        return part

    def number(self) -> int:
        return int(struct.unpack(">I", self.take(4))[0])

    def text(self) -> bytes:
        return self.take(self.number())

    def end(self) -> None:
        if self._at != len(self._data):
            raise struct.error("too long")


def _blob(line: str) -> bytes:
    """The key of one line, empty for a line that has none."""
    parts = line.split()
    try:
        return b64decode(parts[1], validate=True) if len(parts) > 1 else b""
    except NoBase64:
        return b""


def _parse(armored: str) -> _Signature:
    armor = _ARMOR.fullmatch(armored) if len(armored) <= MOST else None
    if armor is None:
        raise BadSignature(
            "Paste the whole signature, from BEGIN SSH SIGNATURE to END SSH SIGNATURE."
        )
    reader = _Reader(b64decode("".join(armor[1].split()), validate=True))
    if reader.take(len(_MAGIC)) != _MAGIC or reader.number() != 1:
        raise BadSignature("This is no SSH signature of a version that is read here.")
    found = _Signature(*(reader.text() for _ in range(5)))
    reader.end()
    return found


def _verify(found: _Signature, text: bytes) -> None:
    """Raises InvalidSignature, BadSignature, ValueError, struct.error."""
    if found.digest not in (b"sha256", b"sha512"):
        raise BadSignature("It is over a digest that is not accepted: use SHA-256 or SHA-512.")
    parts = (found.namespace, found.reserved, found.digest,
             hashlib.new(found.digest.decode(), text).digest())  # fmt: skip
    data = _MAGIC + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    kind = _Reader(found.key).text()
    reader = _Reader(found.signature)
    algorithm, signature = reader.text(), reader.text()
    if kind in _SECURITY_KEYS:
        data = _touched(found.key, data, flags=reader.take(1), counter=reader.take(4))
    reader.end()
    if algorithm != kind and not (kind == b"ssh-rsa" and algorithm.startswith(b"rsa-sha2-")):
        raise BadSignature("The signature is of another kind than its key.")
    _verify_with(
        _public(kind, found.key), _SECURITY_KEYS.get(algorithm, algorithm), signature, data
    )


def _touched(blob: bytes, data: bytes, *, flags: bytes, counter: bytes) -> bytes:
    """What a security key signs in place of `data`; somebody must have touched it."""
    if not flags[0] & _PRESENT:
        raise BadSignature("The security key was not touched.")
    reader = _Reader(blob)
    parts = 3 if reader.text().startswith(b"sk-ssh-ed25519") else 4
    application = [reader.text() for _ in range(parts - 1)][-1]
    inner = hashlib.sha256(data).digest()
    return hashlib.sha256(application).digest() + flags + counter + inner


_Public = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


def _public(kind: bytes, blob: bytes) -> _Public:
    """The key; of a security key, the one inside it."""
    if kind in _SECURITY_KEYS:
        reader = _Reader(blob)
        reader.text()
        inner = [_SECURITY_KEYS[kind], reader.text()]
        if kind.startswith(b"sk-ecdsa"):
            inner.append(reader.text())
        kind, blob = inner[0], b"".join(struct.pack(">I", len(part)) + part for part in inner)
    key = load_ssh_public_key(kind + b" " + b64encode(blob))
    match key:
        case ed25519.Ed25519PublicKey() | ec.EllipticCurvePublicKey():
            return key
        case rsa.RSAPublicKey(key_size=size) if size >= SMALLEST_RSA:
            return key
    raise BadSignature("Keys of this kind are not accepted: use Ed25519, ECDSA, or RSA of 2048.")


def _verify_with(key: _Public, algorithm: bytes, signature: bytes, data: bytes) -> None:
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, data)
        return
    if algorithm not in _SHA:
        raise BadSignature("It is over a digest that is not accepted: use SHA-256 or SHA-512.")
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), _SHA[algorithm])
        return
    reader = _Reader(signature)
    r, s = (int.from_bytes(reader.text(), "big") for _ in range(2))
    reader.end()
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(_SHA[algorithm]))
