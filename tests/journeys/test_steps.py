"""The parts of the gate as commands of their own, and who can check the receipt afterwards."""

import base64
import json
import shutil
import subprocess
import urllib.request

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from tests.journeys.portal import PYTHON

pytestmark = pytest.mark.xdist_group("journeys")


@pytest.fixture
def step(portal):
    """Runs one step of the client for the same run each time."""
    run = ("--run-id", portal.new_run_id())

    def take(name, *arguments, status=0):
        who = () if name in ("wait", "verify") else run
        done = portal.start(*PYTHON, name, *arguments, *who)
        assert done.end() == status, done.said
        return done.said

    return take


@pytest.fixture
def permit(portal, step, tmp_path):
    """A permit of staging redeemed step by step: the paths of receipt and keys.json."""
    request_id = step("request", *portal.asking("staging")).split()[-1]
    assert portal.request(request_id)["status"] == "approved"  # inside the POST
    receipt, keys = tmp_path / "receipt.json", tmp_path / "keys.json"
    step("redeem", request_id, "--receipt-file", str(receipt))
    with urllib.request.urlopen(f"{portal.url}/.well-known/countersign/keys.json") as answer:
        keys.write_bytes(answer.read())
    return receipt, keys


def test_request_wait_redeem_and_finish_are_separate_commands(portal, step, maria):
    request_id = step("request", *portal.asking("production")).split()[-1]
    portal.until_pending(request_id)
    step("redeem", request_id, status=65)  # nobody has decided
    maria.decide(request_id)
    step("wait", request_id)
    permit_id = step("redeem", request_id).split()[-1]
    assert step("redeem", request_id).split()[-1] == permit_id  # the same run, the same permit
    step("finish", permit_id, "--exit-code", "3")
    found = portal.request(request_id)["permit"]
    assert (found["id"], found["status"]) == (permit_id, "failed")


def test_drift_ends_a_single_redeem_with_67_and_starts_the_next_round(portal, step, maria):
    request_id = step("request", *portal.asking("production")).split()[-1]
    portal.until_pending(request_id)
    maria.decide(request_id)
    landed = portal.add_commit()
    said = step("redeem", request_id, status=67)
    assert landed in said
    found = portal.request(request_id)
    assert (found["status"], found["round"]) == ("pending", 2)
    assert [drift["fact"] for drift in found["drift"]] == ["git.head"]
    step("withdraw", request_id)


def test_the_client_verifies_the_receipt_with_published_keys(portal, step, permit):
    receipt, keys = permit
    said = step("verify", str(receipt), "--keys", str(keys), "--environment", "staging")
    assert "Good signature" in said
    assert "shop / staging / deploy" in said
    step("verify", str(receipt), "--keys", str(keys), "--environment", "production", status=65)


def test_securesystemslib_verifies_the_receipt_without_any_code_of_ours(permit):
    receipt, keys = permit
    envelope = Envelope.from_dict(json.loads(receipt.read_text()))
    published = [
        SSlibKey(key["kid"], "ecdsa", "ecdsa-sha2-nistp256", {"public": pem(key)})
        for key in json.loads(keys.read_text())["keys"]
    ]
    assert envelope.verify(published, threshold=1)
    envelope.payload = envelope.payload.replace(b"staging", b"st4ging")
    with pytest.raises(VerificationError):
        envelope.verify(published, threshold=1)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed here")
def test_openssl_verifies_the_receipt_without_any_code_of_ours(permit, tmp_path):
    receipt, keys = permit
    envelope = json.loads(receipt.read_text())
    (signature,) = envelope["signatures"]
    (key,) = [k for k in json.loads(keys.read_text())["keys"] if k["kid"] == signature["keyid"]]
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    (tmp_path / "key.pem").write_text(pem(key))
    (tmp_path / "signature").write_bytes(base64.b64decode(signature["sig"]))

    def openssl(data):
        (tmp_path / "signed").write_bytes(data)
        return subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature",
             "signed"],
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip

    assert openssl(signed).stdout.strip() == "Verified OK"
    assert openssl(signed.replace(b"staging", b"st4ging")).returncode == 1


def pem(key):
    """The public key of a JWK as PEM."""
    x, y = (
        int.from_bytes(base64.urlsafe_b64decode(key[name] + "=="), "big") for name in ("x", "y")
    )
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
