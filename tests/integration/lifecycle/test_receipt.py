"""Receipts: verified by programs that know nothing of ours, from the published keys alone."""

import base64
import copy
import json
import multiprocessing
import os
import stat
import threading
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import (
    UnsupportedLibraryError,
    UnverifiedSignatureError,
    VerificationError,
)
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, CryptoSigner, SSlibKey

from approvals.lifecycle.receipt import _elsewhere, ensure_signing_key, sign
from approvals.models import SigningKey
from portal.kernel.clock import rfc3339
from portal.kernel.errors import Unavailable
from portal.ledger.models import Entry
from tests.factories import COMMIT, ask, decide, redeem
from tests.integration.lifecycle.receipts import pae, public_key, public_pem, published

pytestmark = pytest.mark.django_db
SUBJECT = [{"name": "commit", "digest": {"gitCommit": COMMIT}}]
STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": SUBJECT, "predicate": {}}


def verify(envelope, keys=None):
    """The statement, where the signature holds. Raises InvalidSignature, KeyError."""
    payload = base64.b64decode(envelope["payload"], validate=True)
    (signature,) = envelope["signatures"]
    key = public_key((keys or published())[signature["keyid"]])
    key.verify(
        base64.b64decode(signature["sig"], validate=True),
        pae(envelope["payloadType"], payload),
        ec.ECDSA(hashes.SHA256()),
    )
    return json.loads(payload)


def as_sslib(jwk):
    keyval = {"public": public_pem(jwk)}
    return SSlibKey(jwk["kid"], "ecdsa", "ecdsa-sha2-nistp256", keyval)


@pytest.fixture
def permit(who):
    return redeem(who, decide(ask(who), who.alice))


@pytest.fixture
def key_file(settings, tmp_path, db):
    settings.SIGNING_KEY_FILE = tmp_path / "keys" / "permit.pem"
    return settings.SIGNING_KEY_FILE


class TestReceipt:
    def test_the_statement_says_what_was_allowed_and_by_whom(self, who, permit):
        statement = verify(permit.receipt)
        request, predicate = permit.request, statement["predicate"]
        assert statement["_type"] == "https://in-toto.io/Statement/v1"
        assert statement["subject"] == SUBJECT
        assert predicate["request"] == {
            "id": str(request.id), "digest": request.digest, "round": 1
        }  # fmt: skip
        assert predicate["run"] == {"id": request.run["id"], "attempt": 1}
        assert (predicate["project"], predicate["environment"]) == ("shop", "production")
        assert [a["ref"] for a in predicate["approvers"]] == [str(who.alice.actor_ref)]
        assert predicate["expiresAt"] == rfc3339(permit.expires_at)
        assert (predicate["maxUses"], predicate["decision"]) == (1, "approved")
        assert "alice" not in json.dumps(statement).lower(), "names are not signed for ever"

    def test_its_twin_says_the_same_to_who_knows_only_simple_results(self, who, permit):
        twin = verify(permit.simple_result)
        assert twin["predicateType"] == "https://in-toto.io/attestation/svr/v0.1"
        assert twin["subject"] == SUBJECT
        assert twin["predicate"]["timeCreated"] == rfc3339(permit.issued_at)
        assert twin["predicate"]["verifier"]["permit"] == str(permit.id)
        assert twin["predicate"]["properties"] == [
            "COUNTERSIGN_APPROVED",
            "COUNTERSIGN_APPROVED_BY_PEOPLE",
            "COUNTERSIGN_APPROVED_FOR_shop/production/deploy",
        ]
        alone = verify(redeem(who, ask(who, "staging")).simple_result)["predicate"]
        assert "COUNTERSIGN_APPROVED_BY_POLICY" in alone["properties"]

    def test_another_library_accepts_it(self, permit):
        (signature,) = permit.receipt["signatures"]
        envelope = Envelope.from_dict(copy.deepcopy(permit.receipt))  # it takes its dict apart
        key = as_sslib(published()[signature["keyid"]])
        assert list(envelope.verify([key], 1)) == [key.keyid]

    @pytest.mark.parametrize("field", ["payload", "payloadType", "sig"])
    def test_one_changed_byte_anywhere_is_refused_by_both(self, permit, field):
        envelope = copy.deepcopy(permit.receipt)
        if field == "payload":
            text = base64.b64decode(envelope["payload"]).replace(b"production", b"productioN")
            envelope["payload"] = base64.b64encode(text).decode()
        elif field == "payloadType":
            envelope["payloadType"] = "application/vnd.in-toto+jsoN"
        else:
            raw = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
            raw[-1] ^= 1
            envelope["signatures"][0]["sig"] = base64.b64encode(bytes(raw)).decode()
        with pytest.raises(InvalidSignature):
            verify(envelope)
        key = as_sslib(published()[envelope["signatures"][0]["keyid"]])
        with pytest.raises(VerificationError):
            Envelope.from_dict(envelope).verify([key], 1)

    def test_somebody_elses_key_under_our_name_is_refused(self, permit):
        (signature,) = permit.receipt["signatures"]
        numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
        foreign = {
            name: base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()
            for name, value in (("x", numbers.x), ("y", numbers.y))
        }
        keys = {signature["keyid"]: {**published()[signature["keyid"]], **foreign}}
        with pytest.raises(InvalidSignature):
            verify(permit.receipt, keys)

    def test_each_permit_has_its_own_nonce(self, who):
        nonces = {
            verify(redeem(who, ask(who, "staging")).receipt)["predicate"]["nonce"] for _ in range(3)
        }
        assert len(nonces) == 3


class TestKey:
    def test_the_file_is_for_its_owner_alone(self, key_file):
        old = os.umask(0)
        try:
            ensure_signing_key()
        finally:
            os.umask(old)
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
        assert list(key_file.parent.iterdir()) == [key_file], "nothing is left lying about"

    def test_making_it_again_changes_nothing_and_is_recorded_once(self, key_file):
        before = Entry.objects.filter(type="key.created").count()
        first, pem = ensure_signing_key(), key_file.read_bytes()
        assert (ensure_signing_key(), key_file.read_bytes()) == (first, pem)
        assert Entry.objects.filter(type="key.created").count() == before + 1

    def test_what_a_killed_process_left_behind_does_not_stop_the_next(self, key_file):
        key_file.parent.mkdir()
        for leftover in (f"permit.{os.getpid()}", "tmp123"):
            (key_file.parent / leftover).write_bytes(b"half a k")
        assert ensure_signing_key() in published()

    def test_two_processes_at_once_make_one_key(self, key_file, monkeypatch):
        """The file alone: each process reads back the one that won."""
        context = multiprocessing.get_context("fork")
        made = context.Queue()
        barrier = context.Barrier(3)
        monkeypatch.setattr(
            "approvals.lifecycle.receipt.publish", lambda found: found[0].public_key.keyid
        )

        def make():
            barrier.wait(10)
            made.put(ensure_signing_key())

        processes = [context.Process(target=make) for _ in range(3)]
        for process in processes:
            process.start()
        kids = {made.get(timeout=20) for _ in processes}
        for process in processes:
            process.join(10)
        assert len(kids) == 1

    def test_a_new_key_leaves_the_old_one_in_the_list(self, key_file):
        old = ensure_signing_key()
        receipt = sign(STATEMENT)
        Path(key_file).unlink()
        new = ensure_signing_key()
        assert new != old
        assert {old, new} <= set(published())
        assert verify(receipt)["subject"] == SUBJECT
        assert verify(sign(STATEMENT))["subject"] == SUBJECT

    def test_a_retired_key_stays_with_its_status(self, key_file):
        kid = ensure_signing_key()
        SigningKey.objects.filter(pk=kid).update(status="retired")
        assert published()[kid]["status"] == "retired"

    def test_no_private_part_is_ever_published(self, key_file):
        ensure_signing_key()
        assert all(
            "d" not in key and "PRIVATE" not in json.dumps(key) for key in published().values()
        )

    def test_a_key_of_another_kind_is_refused(self, key_file):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key_file.parent.mkdir()
        key_file.write_bytes(
            Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        with pytest.raises(TypeError, match="not an EC private key"):
            ensure_signing_key()


@pytest.mark.django_db(transaction=True)
def test_two_threads_publish_one_key(key_file):
    from django.db import connections

    before = Entry.objects.filter(type="key.created").count()
    start, kids = threading.Barrier(4), []

    def make():
        try:
            start.wait(10)
            kids.append(ensure_signing_key())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(kids) == 4
    assert len(set(kids)) == 1
    assert Entry.objects.filter(type="key.created").count() == before + 1


class TestSignerElsewhere:
    """A signer by URI, as securesystemslib reaches it; the one that needs no service is file2."""

    @pytest.fixture
    def use(self, settings, tmp_path, db):
        def configure(uri, public):
            _elsewhere.cache_clear()
            spki = serialization.PublicFormat.SubjectPublicKeyInfo
            pem = public.public_key().public_bytes(serialization.Encoding.PEM, spki)
            settings.PERMIT_SIGNER = uri
            settings.PERMIT_PUBLIC_KEY_FILE = tmp_path / "public.pem"
            settings.PERMIT_PUBLIC_KEY_FILE.write_bytes(pem)

        settings.SIGNING_KEY_FILE = tmp_path / "keys" / "permit.pem"
        yield configure
        _elsewhere.cache_clear()

    @pytest.fixture
    def key(self, tmp_path):
        key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        (tmp_path / "elsewhere.pem").write_bytes(pem)
        return key

    def test_receipts_are_signed_there_and_verified_as_any_other(self, use, key, tmp_path):
        use(f"file2:{tmp_path}/elsewhere.pem", key)
        kid = ensure_signing_key()
        envelope = sign(STATEMENT)
        assert envelope["signatures"][0]["keyid"] == kid
        assert verify(envelope)["subject"] == SUBJECT
        assert not (tmp_path / "keys").exists(), "no key is made here"

    @pytest.fixture
    def service(self, monkeypatch):
        """A key service that signs with `service.key`, or answers nobody while there is none."""

        class Service(CryptoSigner):
            key = None

            @classmethod
            def from_priv_key_uri(cls, uri, public, secrets_handler=None):
                if cls.key is None:
                    raise OSError("nobody answers")
                found = cls(cls.key)
                found._public_key = public
                return found

        monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "service", Service)
        return Service

    def test_a_signer_that_signs_with_another_key_is_found_at_the_start(self, use, key, service):
        service.key = key
        use("service:1", ec.generate_private_key(ec.SECP256R1()))
        with pytest.raises(UnverifiedSignatureError):
            ensure_signing_key()
        assert not published(), "and nobody is told of it"

    def test_a_silent_signer_gives_no_permit_and_the_approval_stands(self, who, use, key, service):
        request = decide(ask(who), who.alice)
        use("service:1", key)
        with pytest.raises(Unavailable):
            redeem(who, request)
        request.refresh_from_db()
        assert request.status == "approved"
        service.key = key
        assert redeem(who, request).receipt, "once it answers again"

    @pytest.mark.parametrize(
        ("uri", "curve", "error"),
        [
            ("carrier-pigeon:1", ec.SECP256R1, ValueError),
            ("file2:elsewhere.pem", ec.SECP384R1, TypeError),
            ("hsm:2", ec.SECP256R1, (ValueError, UnsupportedLibraryError)),
        ],
    )
    def test_what_cannot_sign_for_the_contract_is_refused(self, use, uri, curve, error):
        use(uri, ec.generate_private_key(curve()))
        with pytest.raises(error):
            ensure_signing_key()
