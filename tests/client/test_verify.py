"""A receipt is believed only with a good signature by a known key, and for what it says."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from tests.client.portal_double import COMMIT, Answer, a_receipt, public_keys, stamp

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def verify(python, tmp_path):
    """Runs verify on a receipt with a keys file."""

    def run(receipt, *options, keys=None):
        (tmp_path / "receipt.json").write_text(json.dumps(receipt))
        (tmp_path / "keys.json").write_text(json.dumps(keys or public_keys()))
        source = () if "--url" in options else ("--keys", str(tmp_path / "keys.json"))
        return python.run("verify", str(tmp_path / "receipt.json"), *source, *options)

    return run


def signed_with(signature):
    """A receipt whose signature is replaced by these bytes."""
    receipt = a_receipt()
    receipt["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    return receipt


def signature_of(receipt):
    return base64.b64decode(receipt["signatures"][0]["sig"])


def test_a_good_receipt_is_shown_in_words(verify):
    done = verify(a_receipt())
    assert done.returncode == 0, done.stderr
    assert "Good signature by key permit-1" in done.stdout
    assert "shop / production / deploy" in done.stdout
    assert "approved by Maria Costa" in done.stdout


def test_the_whole_answer_of_redeem_will_do(verify):
    assert verify({"permit": {}, "receipt": a_receipt()}).returncode == 0


def test_the_statement_can_be_had_as_json(verify):
    statement = json.loads(verify(a_receipt(), "--json").stdout)
    assert statement["predicate"]["decision"] == "approved"


def test_many_signatures_by_many_keys_all_verify(verify):
    for _ in range(5):
        key = ec.generate_private_key(ec.SECP256R1())
        assert verify(a_receipt(key), keys=public_keys(key)).returncode == 0


def test_a_changed_payload_is_refused(verify):
    receipt = a_receipt()
    payload = base64.b64decode(receipt["payload"]).replace(b"production", b"prodUction")
    receipt["payload"] = base64.b64encode(payload).decode()
    assert verify(receipt).returncode == 65


def test_a_changed_payload_type_is_refused(verify):
    assert verify({**a_receipt(), "payloadType": "application/json"}).returncode == 65


def test_a_foreign_key_is_refused(verify):
    foreign = ec.generate_private_key(ec.SECP256R1())
    assert verify(a_receipt(foreign)).returncode == 65
    assert verify(a_receipt(), keys=public_keys(foreign)).returncode == 65


def test_a_signature_over_another_hash_is_refused(verify):
    receipt = a_receipt()
    key = ec.generate_private_key(ec.SECP256R1())
    wrong = key.sign(b"something else", ec.ECDSA(hashes.SHA384()))
    receipt["signatures"][0]["sig"] = base64.b64encode(wrong).decode()
    assert verify(receipt, keys=public_keys(key)).returncode == 65


def bad_signatures():
    good = signature_of(a_receipt())
    r, s = decode_dss_signature(good)
    yield "nothing", b""
    yield "zeros", encode_dss_signature(0, 0)
    yield "r is zero", encode_dss_signature(0, s)
    yield "s is zero", encode_dss_signature(r, 0)
    yield "r is the order", encode_dss_signature(ORDER, s)
    yield "s is the order", encode_dss_signature(r, ORDER)
    yield "r beyond the order", encode_dss_signature(r + ORDER, s)
    yield "s beyond the order", encode_dss_signature(r, s + ORDER)
    yield "r and s swapped", encode_dss_signature(s, r)
    yield "one bit off", good[:-1] + bytes([good[-1] ^ 1])
    yield "raw instead of DER", r.to_bytes(32, "big") + s.to_bytes(32, "big")
    yield "a tail", good + b"\x00"
    yield "cut", good[:-1]
    yield "negative", b"\x30\x06\x02\x01\xff\x02\x01\x01"
    yield "padded", b"\x30\x08\x02\x02\x00\x01\x02\x02\x00\x01"
    yield "long form length", b"\x30\x81" + good[1:]
    yield "empty integers", b"\x30\x04\x02\x00\x02\x00"
    yield "ones", encode_dss_signature(1, 1)


@pytest.mark.parametrize("name", [name for name, _ in bad_signatures()])
def test_a_signature_that_is_not_one_is_refused(verify, name):
    done = verify(signed_with(dict(bad_signatures())[name]))
    assert (done.returncode, done.stdout) == (65, "")
    assert "internal" not in done.stderr.lower()


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": "checkpoint"},
        {"status": "revoked"},
        {"crv": "P-384"},
        {"kty": "OKP"},
        {"x": "AAAA"},
        {"kid": 7},
    ],
    ids=str,
)
def test_a_key_that_may_not_sign_permits_is_not_used(verify, wrong):
    assert verify(a_receipt(), keys=public_keys(**wrong)).returncode == 64


def test_a_key_off_the_curve_is_refused(verify):
    assert verify(a_receipt(), keys=public_keys(y="A" * 43)).returncode == 65


def test_another_key_id_is_refused(verify):
    assert verify(a_receipt(), keys=public_keys(kid="permit-2")).returncode == 65


def test_a_retired_key_still_proves_what_it_signed(verify):
    assert verify(a_receipt(), keys=public_keys(status="retired")).returncode == 0


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"payload": 5},
        {"payload": "%"},
        {"signatures": []},
        {"signatures": ["x"]},
        {"signatures": [{"keyid": ["permit-1"], "sig": "AA=="}]},
        {"signatures": [{"keyid": "permit-1", "sig": 5}]},
        {"signatures": [{"keyid": "permit-1"}]},
    ],
    ids=str,
)
def test_an_envelope_of_the_wrong_form_is_refused(verify, broken):
    receipt = {**a_receipt(), **broken} if broken else {}
    done = verify(receipt)
    assert done.returncode == 65, done.stderr


def test_a_well_signed_rejection_is_no_receipt(verify):
    assert verify(a_receipt(decision="rejected")).returncode == 65


def test_an_expired_receipt_is_refused_only_when_asked(verify):
    old = a_receipt(expiresAt=stamp(-60))
    assert verify(old).returncode == 0
    assert verify(old, "--unexpired").returncode == 66


@pytest.mark.parametrize(
    ("option", "right", "wrong"),
    [
        ("--project", "shop", "store"),
        ("--environment", "production", "staging"),
        ("--action", "deploy", "migrate"),
        ("--commit", COMMIT, "77" * 20),
        ("--artifact", None, "sha256:" + "a" * 64),
        ("--plan", None, "sha256:" + "a" * 64),
        ("--subject", COMMIT, "sha256:" + "a" * 64),
        ("--subject", "gitCommit:" + COMMIT.upper(), "77" * 20),
    ],
)
def test_a_receipt_must_be_for_what_is_expected(verify, option, right, wrong):
    if right:
        assert verify(a_receipt(), option, right).returncode == 0
    assert verify(a_receipt(), option, wrong).returncode == 65


def test_keys_can_come_from_the_portal_without_a_token(double, verify, python):
    double.on("keys", Answer(200, public_keys()))
    done = verify(a_receipt(), "--url", double.url)
    assert done.returncode == 0, done.stderr
    assert double.calls[0]["headers"]["Authorization"] is None


def test_keys_that_cannot_be_fetched_end_with_69(double, verify):
    double.on("keys", Answer(200, {"keys": []}))
    assert verify(a_receipt(), "--url", double.url).returncode == 69


def test_hostile_words_in_a_receipt_are_tamed(verify):
    done = verify(a_receipt(approvers=[{"name": "\x1b[2Jroot\r\n"}]))
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout


def test_a_file_that_is_missing_or_no_json_ends_with_64(python, tmp_path):
    (tmp_path / "x").write_text("no json")
    for path in ("x", "missing"):
        done = python.run("verify", str(tmp_path / path), "--keys", str(tmp_path / "x"))
        assert done.returncode == 64


def test_verify_needs_keys_from_somewhere(python, tmp_path):
    (tmp_path / "receipt.json").write_text(json.dumps(a_receipt()))
    assert python.run("verify", str(tmp_path / "receipt.json")).returncode == 64
