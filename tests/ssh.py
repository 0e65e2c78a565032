"""SSH keys and signatures without OpenSSH: what a person pastes, and what a forge publishes."""

import hashlib
import struct
from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SECURITY_KEY = b"sk-ssh-ed25519@openssh.com"


def packed(*parts):
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def armored(*parts):
    lines = b64encode(b"SSHSIG" + struct.pack(">I", 1) + packed(*parts)).decode()
    return f"-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n"


class Key:
    """An Ed25519 key; `line` is what its owner uploads to a forge."""

    def __init__(self):
        self._key = Ed25519PrivateKey.generate()
        self.raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = packed(b"ssh-ed25519", self.raw)

    @property
    def line(self):
        kind = self.blob[4 : 4 + int.from_bytes(self.blob[:4], "big")].decode()
        return f"{kind} {b64encode(self.blob).decode()} somebody@laptop"

    def sign(self, text, namespace="countersign"):
        names = (namespace.encode(), b"", b"sha512")
        data = b"SSHSIG" + packed(*names, hashlib.sha512(text.encode()).digest())
        return armored(self.blob, *names, self._signature(data))

    def _signature(self, data):
        return packed(b"ssh-ed25519", self._key.sign(data))


class SecurityKey(Key):
    """The same on a stick; `touched` says whether somebody touched it."""

    def __init__(self, *, touched=True):
        super().__init__()
        self.flags = b"\1" if touched else b"\0"
        self.blob = packed(SECURITY_KEY, self.raw, b"ssh:")

    def _signature(self, data):
        more = self.flags + struct.pack(">I", 7)
        inner = hashlib.sha256(b"ssh:").digest() + more + hashlib.sha256(data).digest()
        return packed(SECURITY_KEY, self._key.sign(inner)) + more
