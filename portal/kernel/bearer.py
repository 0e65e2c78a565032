"""Bearer secrets: `KIND_<prefix>_<secret>`.

The prefix finds the row and may be shown; of the whole only its SHA-256 is stored.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass


@dataclass(frozen=True)
class Bearer:
    """A new secret with what is stored of it."""

    prefix: str
    secret: str
    hash: bytes


def new_bearer(kind: str) -> Bearer:
    """One of 256 random bits that nobody has yet."""
    prefix = secrets.token_hex(6)
    secret = f"{kind}_{prefix}_{secrets.token_hex(32)}"
    return Bearer(prefix, secret, bearer_hash(secret))


def bearer_hash(secret: str) -> bytes:
    """What is stored of it. Raises UnicodeEncodeError for what cannot be one."""
    return hashlib.sha256(secret.encode("ascii")).digest()


def prefix_of(kind: str, secret: str) -> str | None:
    """What finds its row; None for what has not the form of one."""
    form = re.fullmatch(rf"{kind}_([0-9a-f]{{12}})_[0-9a-f]{{64}}", secret)
    return form[1] if form else None


def is_bearer(secret: str, stored: bytes) -> bool:
    """Whether it is the secret that was stored, in a time that tells nothing."""
    return hmac.compare_digest(stored, bearer_hash(secret))
