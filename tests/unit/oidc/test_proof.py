"""What an ID token has to be, with every forgery made from one that is good."""

import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from portal.oidc.ask import ProviderFailed
from portal.oidc.proof import can_check, nonce_of, proven

ISSUER, CLIENT = "https://login.example.com", "countersign"
NONCE = nonce_of("verifier")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def public(key, kid, **more):
    kind = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, **more}


KEYS = [public(RSA, "r", use="sig", alg="RS256"), public(EC, "e")]


def token(key=RSA, algorithm="RS256", headers=None, without=(), **claims):
    at = int(time.time())
    said = {"iss": ISSUER, "sub": "alice", "aud": CLIENT, "iat": at, "exp": at + 60, "nonce": NONCE}
    said = {n: v for n, v in {**said, **claims}.items() if n not in without}
    return jwt.encode(said, key, algorithm, headers={"kid": "r"} if headers is None else headers)


def accepted(given, keys=KEYS):
    return proven(given, keys, issuer=ISSUER, client_id=CLIENT, nonce=NONCE)


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "other"], "azp": CLIENT},
        {"key": EC, "algorithm": "ES256", "headers": {"kid": "e"}},
        {"headers": {}},
    ],
)
def test_a_good_token_says_who_it_is(good):
    assert accepted(token(**good))["sub"] == "alice"


@pytest.mark.parametrize(
    "bad",
    [
        {"key": STRANGE},
        {"headers": {"kid": "x"}},
        {"iss": "https://evil.example"},
        {"iss": f"{ISSUER}/"},
        {"aud": "other"},
        {"aud": [CLIENT, "other"]},
        {"azp": "other"},
        {"aud": [CLIENT, "other"], "azp": "other"},
        {"nonce": nonce_of("another")},
        {"without": ["nonce"]},
        {"exp": 1},
        {"iat": time.time() + 1000},
        *({"without": [name]} for name in ("iss", "sub", "aud", "exp", "iat")),
        {"sub": ""},
        {"sub": "a" * 192},
        {"sub": "alic\u0435"},  # a Cyrillic letter
        {"algorithm": "PS256"},  # the key is for RS256
        {"algorithm": "RS512"},
    ],
)
def test_any_other_token_is_refused(bad):
    with pytest.raises(ProviderFailed):
        accepted(token(**bad))


def test_no_token_is_signed_with_what_everybody_knows():
    """D7: neither nothing nor the public key is a shared secret."""
    pem = json.dumps(KEYS[0])
    for forged in (token(None, "none"), token(pem * 2, "HS256")):
        with pytest.raises(ProviderFailed):
            accepted(forged)


@pytest.mark.parametrize("given", [None, 1, "", "a.b.c", "é", "." * 5000])
def test_what_is_no_token_is_refused(given):
    with pytest.raises(ProviderFailed):
        accepted(given)


def test_a_key_of_another_use_checks_nothing():
    with pytest.raises(ProviderFailed):
        accepted(token(), [public(RSA, "r", use="enc")])


@pytest.mark.parametrize("broken", [{"n": "!"}, {"n": None}, {"e": ""}, {"kty": "EC"}])
def test_a_broken_key_checks_nothing(broken):
    with pytest.raises(ProviderFailed):
        accepted(token(), [{**KEYS[0], **broken}])


def test_a_provider_needs_a_key_that_counts_here():
    assert can_check(KEYS) == 2
    with pytest.raises(ProviderFailed):
        can_check([{"kty": "oct", "k": "AAAA"}, public(RSA, "r", use="enc")])
