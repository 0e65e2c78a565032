"""Is a workload token what it says: signature, issuer, audience, time.

The algorithm and the keys are the trust's. Nothing that the token itself says about keys (`jku`,
`jwk`, `x5u`) is read, nor is any document of its issuer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS = ("RS256", "ES256")
LEEWAY = 30  # seconds: clocks differ
MOST_KEYS = 50
LEAST_BITS = 2048

_OPTIONS: Any = {
    "require": ["iss", "aud", "exp", "iat"],
    "verify_aud": False,  # exactly, below
    "verify_sub": False,
    "verify_jti": False,
}
_KEPT = {"RSA": ("kty", "kid", "n", "e"), "EC": ("kty", "kid", "crv", "x", "y")}


class NotAccepted(Exception):
    """The token proves nothing; the sentence says why without repeating anything of it."""

    def __init__(self, sentence: str, code: str = "untrusted") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


class UnknownKey(NotAccepted):
    """It is signed with a key that is not among those that are known."""


@dataclass(frozen=True)
class Believed:
    """What has to hold before a claim is read. `keys` are public keys as JWKs."""

    issuer: str
    audience: str
    algorithm: str
    keys: Sequence[Mapping[str, Any]]


def issuer_of(token: str) -> str:
    """Who the token says it is from: good for choosing a trust, for nothing else.

    Raises NotAccepted for what is no token.
    """
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise NotAccepted("This is no workload identity token (a JWT in three parts).") from None
    return issuer if isinstance(issuer, str) else ""


def claims_of(token: str, believed: Believed, *, also_over: bool = False) -> dict[str, Any]:
    """The claims, once everything holds; `also_over`: of a token whose time is over as well.

    Raises UnknownKey, NotAccepted.
    """
    key = _key_for(token, believed)
    options: Any = {**_OPTIONS, "verify_exp": not also_over}
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[believed.algorithm],
            issuer=believed.issuer,
            leeway=LEEWAY,
            options=options,
        )
    except jwt.ExpiredSignatureError:
        raise NotAccepted("The workload token has expired.", "token-expired") from None
    except jwt.ImmatureSignatureError:
        raise NotAccepted("The workload token is of the future: compare the clocks.") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        raise NotAccepted("The workload token does not hold: signature, issuer or form.") from None
    if claims["aud"] not in (believed.audience, [believed.audience]):
        raise NotAccepted(f"The audience has to be {believed.audience} and nothing else.")
    return claims


def proof_of(token: str, claims: Mapping[str, Any], *, needs_id: bool) -> str:
    """By what the token is known, so that it counts once: its `jti`, else all that was signed.

    `needs_id`: the system gives every token a `jti`, so that one without is none of it. Raises
    NotAccepted.
    """
    number = claims.get("jti")
    if not (isinstance(number, str) and number):
        if needs_id or "jti" in claims:
            raise NotAccepted("The workload token has no jti.")
        # What is signed cannot be written differently; the signature itself could.
        number = token.rpartition(".")[0]
    parts = f"{len(claims['iss'])}:{claims['iss']}{number}"
    return "sha256:" + hashlib.sha256(parts.encode()).hexdigest()


def _key_for(token: str, believed: Believed) -> Any:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise NotAccepted("This is no workload identity token (a JWT in three parts).") from None
    if header.get("alg") != believed.algorithm:
        raise NotAccepted(f"The workload token is not signed with {believed.algorithm}.")
    if "crit" in header:
        raise NotAccepted("The workload token asks for what nobody here understands (crit).")
    name = header.get("kid")
    found = [key for key in believed.keys if name and key.get("kid") == name]
    if len(found) != 1:
        raise UnknownKey("The workload token is signed with a key that its issuer does not list.")
    return jwt.PyJWK(dict(found[0]), algorithm=believed.algorithm)


def usable_keys(document: object, algorithm: str) -> list[dict[str, str]]:
    """The public keys of a key set that can sign with the algorithm, and nothing else of them.

    Raises ValueError for what is no key set, or has none.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError("is no key set")
    found = [_kept(key) for key in listed if isinstance(key, dict) and _signs(key, algorithm)]
    if not found:
        raise ValueError(f"has no key for {algorithm}")
    return found


def _signs(key: dict[str, Any], algorithm: str) -> bool:
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    if key.get("kty") not in _KEPT or not all(isinstance(v, str) for v in _kept(key).values()):
        return False
    try:
        public = jwt.PyJWK(_kept(key), algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return False
    if isinstance(public, RSAPublicKey):
        return public.key_size >= LEAST_BITS
    return isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1)


def _kept(key: dict[str, Any]) -> dict[str, Any]:
    return {name: key.get(name) for name in _KEPT[key["kty"]]}
