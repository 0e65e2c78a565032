"""What an ID token proves: signed by the provider, for this portal, for this very sign-in."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import jwt

from portal.oidc.ask import ProviderFailed
from portal.oidc.subjects import usable_subject

# One way to sign for each kind of key; nothing that takes a shared secret.
ALGORITHMS = {"RSA": ("RS256", "PS256"), "EC": ("ES256",)}
LEEWAY = 60  # seconds two clocks may differ
_NEEDED = ["iss", "sub", "aud", "exp", "iat"]


def nonce_of(verifier: str) -> str:
    """What ties an ID token to the sign-in whose PKCE verifier stands in the session."""
    digest = hashlib.sha256(f"nonce {verifier}".encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def proven(
    token: Any, keys: Sequence[dict[str, Any]], *, issuer: str, client_id: str, nonce: str
) -> dict[str, Any]:
    """The claims of an ID token. Raises ProviderFailed for one that proves nothing here."""
    if not isinstance(token, str):
        raise ProviderFailed("it sent no ID token")
    try:
        key, algorithm = _key_of(token, keys)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=client_id,
            leeway=LEEWAY,
            options={"require": _NEEDED},
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise ProviderFailed("its ID token is not valid here") from None
    audience = claims["aud"]
    alone = isinstance(audience, str) or len(audience) == 1
    if claims.get("azp", client_id if alone else None) != client_id:
        raise ProviderFailed("its ID token is for another program")
    if claims.get("nonce") != nonce:
        raise ProviderFailed("its ID token is of another sign-in")
    if not usable_subject(claims["sub"]):
        raise ProviderFailed("its ID token names nobody")
    return claims


def can_check(keys: Sequence[dict[str, Any]]) -> int:
    """How many of the keys ID tokens may be signed with here. Raises ProviderFailed for none."""
    usable = sum(1 for key in keys if key.get("kty") in ALGORITHMS and _signs(key))
    if not usable:
        raise ProviderFailed("it has no key for RS256, PS256 or ES256")
    return usable


def _signs(key: dict[str, Any]) -> bool:
    return bool(key.get("use", "sig") == "sig")


def _key_of(token: str, keys: Sequence[dict[str, Any]]) -> tuple[jwt.PyJWK, str]:
    """The key its header names, or the only one. Raises PyJWTError where there is none."""
    header = jwt.get_unverified_header(token)
    algorithm, name = header.get("alg"), header.get("kid")
    fit = [
        key
        for key in keys
        if _signs(key)
        and algorithm in ALGORITHMS.get(str(key.get("kty")), ())
        and key.get("alg", algorithm) == algorithm
        and name in (None, key.get("kid"))
    ]
    if len(fit) != 1:
        raise jwt.InvalidKeyError("no such key")
    return jwt.PyJWK(fit[0], algorithm), str(algorithm)
