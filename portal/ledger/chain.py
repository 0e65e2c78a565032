"""Hashes of the ledger: RFC 6962 leaves. Pure."""

import hashlib

MAX_PAYLOAD_BYTES = 60 * 1024


def leaf_hash(payload: bytes) -> bytes:
    """`SHA-256(0x00 || payload)` (RFC 6962 section 2.1), as the database computes it too."""
    return hashlib.sha256(b"\x00" + payload).digest()
