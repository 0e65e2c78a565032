"""An evidence bundle before programs that are not ours: Go's verifier of logs, and openssl."""

import json
import subprocess
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.ledger.chain import leaf_hash
from tests.client.bundles import FOREIGN_KEY, ORIGIN, SIGNER, Bundle, Ledger
from tests.client.portal_double import KEY
from tests.client.test_evidence import (
    a_dropped_entry,
    a_foreign_signature,
    a_payload_byte,
    a_rewritten_past,
    a_wrong_root,
    reordered_entries,
)
from tests.integration.lifecycle.receipts import pae
from tests.interop.copies import copy_of, go_judges, reader_of

TAMPERED = (
    a_payload_byte, a_dropped_entry, reordered_entries, a_wrong_root, a_foreign_signature,
    a_rewritten_past,
)  # fmt: skip


def whole():
    """A bundle of every entry of its log."""
    ledger = Ledger()
    ledger.export(None)
    return Bundle(ledger, shown=range(len(ledger.leaves)))


def as_copy(bundle):
    """What Go is given: nothing but the files of the bundle, and the key it trusts."""
    files = bundle.files
    entries = files["entries.jsonl"].splitlines()
    found = copy_of(
        len(entries),
        reader_of([leaf_hash(line) for line in entries]),
        entries,
        Origin=ORIGIN,
        Keys=[SIGNER.key.vkey],
        Checkpoint=files["proofs/checkpoint.txt"].decode(),
        Earlier=files["proofs/start.txt"].decode(),
    )
    proof = files["proofs/consistency.txt"].splitlines()
    return {**found, "Consistency": [b64decode(line) for line in proof]}


def test_go_accepts_the_entries_of_a_bundle_and_refuses_each_tampered_one():
    bundles = [whole() for _ in TAMPERED]
    for tamper, bundle in zip(TAMPERED, bundles, strict=True):
        tamper(bundle)
    accepted, *refused = go_judges(*map(as_copy, [whole(), *bundles]))
    assert accepted == "accepted"
    assert [one.partition(":")[0] for one in refused] == ["refused"] * len(TAMPERED)


@pytest.fixture
def openssl(tmp_path):
    """Whether openssl takes a manifest as signed by our key."""
    spki = PublicFormat.SubjectPublicKeyInfo
    (tmp_path / "key").write_bytes(KEY.public_key().public_bytes(Encoding.PEM, spki))

    def holds(envelope):
        (signature,) = envelope["signatures"]
        (tmp_path / "sig").write_bytes(b64decode(signature["sig"]))
        (tmp_path / "signed").write_bytes(
            pae(envelope["payloadType"], b64decode(envelope["payload"]))
        )
        command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "sig", "signed"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0

    return holds


def test_openssl_takes_the_manifest_and_none_that_was_changed_or_is_anothers(openssl):
    bundle = whole()
    good = bundle.manifest()
    assert openssl(good)
    bundle.files["population.csv"] += b"x"
    assert not openssl({**good, "payload": bundle.manifest()["payload"]})
    bundle.key = FOREIGN_KEY
    assert not openssl(bundle.manifest())
    assert not openssl(json.loads(json.dumps(good).replace("vnd.in-toto", "vnd.in-totO")))
