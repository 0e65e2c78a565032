"""Canonical JSON (RFC 8785, on the subset the ledger allows) and SHA-256 digests.

Allowed: strings, integers up to 53 bits, booleans, null, lists, objects with ASCII keys. No floats:
on this subset sorted keys and compact output are exactly RFC 8785.
"""

import hashlib
from typing import TypeAlias

import orjson

JSON: TypeAlias = "bool | int | str | list[JSON] | dict[str, JSON] | None"

MAX_SAFE_INTEGER = 2**53 - 1


class NotCanonical(ValueError):
    """The value has no canonical form: a float, a large integer, a foreign type, a bad string."""


def _check(value: object, where: str) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise NotCanonical(f"{where}: not valid Unicode text") from None
    elif isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise NotCanonical(f"{where}: integer beyond 53 bits")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check(item, f"{where}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise NotCanonical(f"{where}: key {key!r} is not ASCII text")
            _check(item, f"{where}.{key}")
    else:
        raise NotCanonical(f"{where}: {type(value).__name__} has no canonical form")


def _is_plain(value: object) -> bool:
    """Whether all of it is plainly allowed, texts and large integers aside, which orjson checks."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return True
    if kind is dict:
        return all(
            type(key) is str and key.isascii() and _is_plain(item)
            for key, item in value.items()  # type: ignore[attr-defined]
        )
    return kind is list and all(map(_is_plain, value))  # type: ignore[call-overload]


def canonical(value: object) -> bytes:
    """The canonical JSON bytes of `value`.

    Raises NotCanonical for anything outside the subset.
    """
    if not _is_plain(value):
        _check(value, "$")
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)
    except orjson.JSONEncodeError:
        _check(value, "$")  # says where
        raise


def sha256_digest(data: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of(value: object) -> str:
    """Digest of the canonical form of `value`."""
    return sha256_digest(canonical(value))


def commitment(salt: bytes, text: str) -> str:
    """Salted commitment to a text that may be erased later (LEDGER: personal data)."""
    return sha256_digest(salt + text.encode("utf-8"))
