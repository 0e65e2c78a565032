"""Public keys as people enter them."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from approvals.context.public_keys import MOST, named_keys, signers
from tests.images import Signer

ONE, OTHER = Signer("release"), Signer("build@forge.example", "ed25519")
LINE = "".join(ONE.pem.splitlines()[1:-1])


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE.setting}\n{OTHER.setting}",
        f"\r\n{ONE.setting}\r\n\r\n{OTHER.setting}".replace("\n", "\r\n"),
        f"release={LINE}\n{OTHER.name} =\n{OTHER.pem}",
        f"release = {' '.join(ONE.pem.split(chr(10)))}\n{OTHER.setting}",
    ],
)
def test_blocks_and_lines_name_who_signs(text):
    keys = named_keys(text)
    assert signers(keys, b"x", [OTHER.sign(b"x"), b"", ONE.sign(b"x")]) == (ONE.name, OTHER.name)
    assert signers(keys, b"x", [ONE.sign(b"y")]) == ()


def test_a_name_may_have_two_keys_while_they_change():
    keys = named_keys(f"{ONE.setting}\nrelease = {OTHER.pem}")
    assert signers(keys, b"x", [OTHER.sign(b"x")]) == ("release",)


def test_no_keys_are_none():
    assert named_keys(" \n") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE.pem, "Key 1: write it like release ="),
        (f"{ONE.setting}\nrelease {ONE.pem}", "Key 2: write it like"),
        ("release = AAAA", "is no public key"),
        ("release = AAA", "is no public key"),
        (ONE.setting.replace("PUBLIC", "PRIVATE"), "A private key does not belong here"),
        (f"a = {pem(rsa.generate_private_key(65537, 1024))}", "is of a kind"),
        (f"a = {pem(ec.generate_private_key(ec.SECP384R1()))}", "is of a kind"),
        ("\n".join([ONE.setting] * (MOST + 1)), f"at most {MOST}"),
    ],
)
def test_what_is_no_key_is_refused(text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        named_keys(text)
