"""What has to hold of a workload token before a claim of it is read."""

import base64
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.accounts.trusts.verify import (
    Believed,
    NotAccepted,
    UnknownKey,
    claims_of,
    issuer_of,
    proof_of,
    usable_keys,
)
from tests.workloads import AUDIENCE, CURVE, KEY, KEYS, github, key_set, kubernetes, signed

ISSUER = github()["iss"]
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def believed(algorithm="RS256", keys=KEYS, **changed):
    wanted = {"issuer": ISSUER, "audience": AUDIENCE, "algorithm": algorithm, **changed}
    return Believed(keys=usable_keys(keys, algorithm), **wanted)


def refused(token, **changed):
    with pytest.raises(NotAccepted) as refusal:
        claims_of(token, believed(**changed))
    return refusal.value


def forged(token, header=None, **claims):
    """The token with something changed, under the signature it had."""
    parts = token.split(".")
    for number, more in ((0, header), (1, claims)):
        said = json.loads(base64.urlsafe_b64decode(parts[number] + "=="))
        parts[number] = base64.urlsafe_b64encode(json.dumps({**said, **(more or {})}).encode())
        parts[number] = parts[number].rstrip(b"=").decode()
    return ".".join(parts)


def test_both_algorithms_are_verified_with_the_keys_of_the_issuer():
    assert claims_of(signed(github()), believed())["repository_id"]
    curve = signed(github(), CURVE, algorithm="ES256", kid="curve")
    assert claims_of(curve, believed("ES256"))["run_id"] == "8812"


def test_one_audience_alone_also_as_a_list():
    token = signed(kubernetes())
    assert claims_of(token, believed(issuer=kubernetes()["iss"]))
    for other in ("https://elsewhere.example", f"{AUDIENCE}/", AUDIENCE.upper(), "", [],
                  [AUDIENCE, "https://elsewhere.example"]):  # fmt: skip
        assert "audience" in refused(signed(github(aud=other))).sentence


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat"])
def test_what_a_token_must_say(name):
    claims = github()
    del claims[name]
    refused(signed(claims))


def test_clocks_may_differ_by_half_a_minute():
    at = int(time.time())
    for near, far, code in (
        ({"exp": at - 20}, {"exp": at - 40}, "token-expired"),
        ({"iat": at + 20}, {"iat": at + 60}, "untrusted"),
        ({"nbf": at + 20}, {"nbf": at + 60}, "untrusted"),
    ):
        assert claims_of(signed(github(**near)), believed())
        assert refused(signed(github(**far))).code == code


def test_another_issuer_with_the_same_keys_is_another_issuer():
    refused(signed(github(iss="https://elsewhere.example")))
    refused(signed(github(iss=f"{ISSUER}/")))


def test_a_key_that_is_not_listed_is_unknown():
    for kid in ("two", ""):
        assert isinstance(refused(signed(github(), OTHER, kid=kid)), UnknownKey)
    assert not isinstance(refused(signed(github(), OTHER)), UnknownKey)


def test_a_token_brings_no_keys_of_its_own():
    listed = key_set((OTHER, "own"))["keys"][0]
    for header in ({"jwk": listed}, {"jku": "https://elsewhere.example/keys"}, {"x5u": "x"}):
        refused(signed(github(), OTHER, kid="own", **header))
    refused(signed(github(), crit=["b64"], b64=False))


def test_no_algorithm_but_the_one_of_the_trust():
    refused(jwt.encode(github(), None, algorithm="none", headers={"kid": "one"}))
    refused(signed(github(), KEY, algorithm="RS512"))
    refused(signed(github(), KEY, algorithm="PS256"))
    refused(signed(github(), CURVE, algorithm="ES256", kid="curve"))
    # The public key as a secret, the oldest trick; the library would not sign with it.
    signed_part = forged(signed(github()), {"alg": "HS256"}).rpartition(".")[0]
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = hmac.digest(public, signed_part.encode(), "sha256")
    refused(f"{signed_part}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")
    refused(forged(signed(github()), {"alg": "none"}))
    refused(forged(signed(github()), repository_id="1"))


def test_garbage_is_no_token():
    for text in ("", "a.b.c", "cst_1", "x" * 5000, "." * 3, "ä.b.c", "e30.e30."):
        with pytest.raises(NotAccepted):
            if issuer_of(text) != ISSUER:
                raise NotAccepted("nobody's")
            claims_of(text, believed())


def test_only_keys_that_can_sign_are_kept_and_only_their_public_parts():
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    private = jwt.algorithms.RSAAlgorithm.to_jwk(KEY, as_dict=True) | {"kid": "private"}
    keys = {
        "keys": [
            *KEYS["keys"],
            key_set((small, "small"))["keys"][0],
            {**KEYS["keys"][0], "kid": "use", "use": "enc"},
            {**KEYS["keys"][0], "kid": "alg", "alg": "RS512"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            {"kty": "RSA", "kid": "broken", "n": "x"},
            private,
            "words",
        ]
    }
    kept = usable_keys(keys, "RS256")
    assert {key["kid"] for key in kept} == {"one", "private"}
    assert all(set(key) == {"kty", "kid", "n", "e"} for key in kept)
    assert [key["kid"] for key in usable_keys(keys, "ES256")] == ["curve"]


@pytest.mark.parametrize("document", [None, [], {}, {"keys": []}, {"keys": [{}] * 51}, {"keys": 1}])
def test_what_is_no_key_set(document):
    with pytest.raises(ValueError, match="key"):
        usable_keys(document, "RS256")


def test_a_token_counts_by_its_number_or_by_all_that_was_signed():
    first, again = github(jti="one"), github(jti="one", run_id="9")
    assert proof_of("a.b.c", first, needs_id=True) == proof_of("d.e.f", again, needs_id=True)
    other = github(jti="one", iss="https://elsewhere.example")
    assert proof_of("a.b.c", first, needs_id=True) != proof_of("a.b.c", other, needs_id=True)
    del first["jti"]
    assert proof_of("a.b.c", first, needs_id=False) == proof_of("a.b.d", first, needs_id=False)
    assert proof_of("a.b.c", first, needs_id=False) != proof_of("a.c.c", first, needs_id=False)
    for number in ("", None, 7):
        with pytest.raises(NotAccepted):
            proof_of("a.b.c", {**first, "jti": number}, needs_id=False)
    with pytest.raises(NotAccepted):
        proof_of("a.b.c", first, needs_id=True)
