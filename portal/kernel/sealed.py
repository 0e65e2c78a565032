"""Secrets as they are stored: encrypted, so that a copy of the database gives none away.

Keys are derived (HKDF) from the texts in `SECRETS_KEY`, or from `SECRET_KEY` where that is unset;
both ways are the same, so that the one can be listed as an older key of the other.
"""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SealBroken(Exception):
    """None of the keys opens it: it was sealed with another one, or changed since."""

    def __init__(self) -> None:
        super().__init__("a stored secret does not open with any key of SECRETS_KEY")


def seal(text: str) -> str:
    """`text`, encrypted with the first key; each time another token."""
    return _box().encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    """The text of a token that any of the keys sealed. Raises SealBroken."""
    try:
        return _box().decrypt(token.encode()).decode()
    except InvalidToken:
        raise SealBroken() from None


def reseal(token: str) -> str:
    """The same text, encrypted with the first key. Raises SealBroken."""
    try:
        return _box().rotate(token.encode()).decode()
    except InvalidToken:
        raise SealBroken() from None


def _box() -> MultiFernet:
    return MultiFernet([_key(text) for text in settings.SECRETS_KEY or [settings.SECRET_KEY]])


def _key(text: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"countersign sealed secrets")
    return Fernet(urlsafe_b64encode(derived.derive(text.encode())))
