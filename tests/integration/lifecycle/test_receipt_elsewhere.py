"""Receipts before programs that are not ours: each takes the good ones and no tampered one."""

import base64
import copy
import json
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from tests.factories import ask, decide, redeem
from tests.integration.lifecycle.receipts import pae, public_pem, published
from tests.npm import node, npm_packages

pytestmark = pytest.mark.django_db
SIGSTORE = """
const { readFileSync } = require("fs");
const { createPublicKey } = require("crypto");
const { bundleFromJSON } = require("@sigstore/bundle");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");
const { keys, envelopes } = JSON.parse(readFileSync(0, "utf8"));
const find = (hint) => {
  if (!keys[hint]) throw new Error("no such key");
  return { publicKey: createPublicKey(keys[hint]), validFor: () => true };
};
const empty = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const verifier = new Verifier(toTrustMaterial(empty, find), {
  tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0,
});
const holds = (envelope) => {
  try {
    verifier.verify(toSignedEntity(bundleFromJSON({
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: { publicKey: { hint: envelope.signatures[0].keyid } },
      dsseEnvelope: envelope,
    })));
    return true;
  } catch (error) {
    return false;
  }
};
console.log(JSON.stringify(envelopes.map(holds)));
"""


@pytest.fixture
def permit(who):
    return redeem(who, decide(ask(who), who.alice))


@pytest.fixture
def tampered(who, permit):
    """The receipt in five ways that are not as it was signed, by name."""
    good = permit.receipt
    payload = base64.b64decode(good["payload"])
    other = redeem(who, decide(ask(who), who.alice)).receipt
    signed = pae(good["payloadType"], payload)
    foreign = ec.generate_private_key(ec.SECP256R1()).sign(signed, ec.ECDSA(hashes.SHA256()))
    (kept,) = good["signatures"]
    flipped = bytearray(base64.b64decode(kept["sig"]))
    flipped[-1] ^= 1
    return {
        "a payload byte": _with(good, payload=payload.replace(b"production", b"productioN")),
        "another payload type": {**good, "payloadType": "application/vnd.in-toto+jsoN"},
        "a signature byte": _with(good, signature=bytes(flipped)),
        "a foreign signature": _with(good, signature=foreign),
        "the signature of another receipt": {**good, "signatures": other["signatures"]},
    }


def _with(envelope, payload=None, signature=None):
    made = copy.deepcopy(envelope)
    if payload is not None:
        made["payload"] = base64.b64encode(payload).decode()
    if signature is not None:
        made["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    return made


def test_openssl_takes_the_good_and_refuses_each_tampered_one(permit, tampered, tmp_path):
    def holds(envelope):
        (signature,) = envelope["signatures"]
        payload = base64.b64decode(envelope["payload"])
        (tmp_path / "key.pem").write_text(public_pem(published()[signature["keyid"]]))
        (tmp_path / "sig").write_bytes(base64.b64decode(signature["sig"]))
        (tmp_path / "signed").write_bytes(pae(envelope["payloadType"], payload))
        command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "sig"]
        done = subprocess.run([*command, "signed"], cwd=tmp_path, capture_output=True, text=True)
        assert ("Verified OK" in done.stdout) == (done.returncode == 0)
        return done.returncode == 0

    assert holds(permit.receipt)
    assert holds(permit.simple_result)
    assert [name for name, envelope in tampered.items() if holds(envelope)] == []


def test_securesystemslib_takes_the_good_and_refuses_each_tampered_one(permit, tampered):
    def holds(envelope):
        (signature,) = envelope["signatures"]
        value = {"public": public_pem(published()[signature["keyid"]])}
        key = SSlibKey(signature["keyid"], "ecdsa", "ecdsa-sha2-nistp256", value)
        try:
            Envelope.from_dict(copy.deepcopy(envelope)).verify([key], 1)
        except VerificationError:
            return False
        return True

    assert holds(permit.receipt)
    assert holds(permit.simple_result)
    assert [name for name, envelope in tampered.items() if holds(envelope)] == []


def test_sigstores_verifier_takes_the_good_and_refuses_each_tampered_one(
    permit, tampered, tmp_path
):
    modules = npm_packages("@sigstore/verify@4.1.3")
    envelopes = [permit.receipt, permit.simple_result, *tampered.values()]
    keys = {kid: public_pem(jwk) for kid, jwk in published().items()}
    done = subprocess.run(
        [str(node()), "-e", SIGSTORE],
        input=json.dumps({"keys": keys, "envelopes": envelopes}),
        env={"NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [True, True] + [False] * len(tampered)
