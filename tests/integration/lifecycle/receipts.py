"""Reading receipts with the published keys, written from the specifications alone."""

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client


def published():
    """The published keys by id."""
    keys = Client().get("/.well-known/countersign/keys.json").json()["keys"]
    return {key["kid"]: key for key in keys}


def number(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def public_key(jwk):
    assert (jwk["kty"], jwk["crv"]) == ("EC", "P-256")
    numbers = ec.EllipticCurvePublicNumbers(number(jwk["x"]), number(jwk["y"]), ec.SECP256R1())
    return numbers.public_key()


def public_pem(jwk):
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return public_key(jwk).public_bytes(serialization.Encoding.PEM, spki).decode()


def pae(kind, payload):
    """Pre-authentication encoding, written from the DSSE specification."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
