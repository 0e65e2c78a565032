"""What attached signatures and statements prove of an image, and what they leave in doubt."""

from base64 import b64encode

import pytest

from approvals.context.provenance import Provenance
from approvals.context.public_keys import named_keys
from approvals.context.signed_images import MOST_SIGNATURES, NOTATION, Attached, evidence_of
from tests.factories import COMMIT
from tests.images import (
    BUILDER,
    BUNDLE,
    CERTIFICATE,
    DSSE,
    SIGNATURE,
    SIMPLE,
    Signer,
    bundle,
    digest_of,
    raw,
    simple_layer,
    simple_payload,
    slsa_02,
    slsa_1,
    statement,
)

DIGEST, OTHER = digest_of(b"image"), digest_of(b"another image")
SIGNED = "https://sigstore.dev/cosign/sign/v1"
BUILT = Provenance(BUILDER, frozenset({COMMIT}))
RELEASE, MALLORY = Signer(), Signer("mallory")
CERTIFIED = {"certificate": {"rawBytes": ""}}


def found(*attached, signer=RELEASE):
    rows = [Attached(kind, raw(data), notes) for data, kind, notes in attached]
    return evidence_of(DIGEST, rows, named_keys(signer.setting))


def dsse(said, signer=RELEASE, **notes):
    return signer.envelope(said), DSSE, notes


def bundled(said, signer=RELEASE, **material):
    return bundle(signer.envelope(said), **material), BUNDLE, {}


class TestSignatures:
    @pytest.mark.parametrize("kind", ["ecdsa", "ed25519", "rsa"])
    def test_of_this_image_by_a_key_of_ours(self, kind):
        signer = Signer("release", kind)
        assert found(simple_layer(signer, DIGEST), signer=signer).signers == ["release"]
        evidence = found(bundled(statement(DIGEST, SIGNED, {}), signer), signer=signer)
        assert evidence.signers == ["release"]
        assert found(dsse(slsa_1(DIGEST), signer), signer=signer).provenances == [BUILT]

    @pytest.mark.parametrize(
        "attached",
        [
            simple_layer(RELEASE, OTHER),
            simple_layer(RELEASE, OTHER, **CERTIFICATE),
            simple_layer(MALLORY, DIGEST),
            (simple_payload(DIGEST), SIMPLE, {}),
            (simple_payload(DIGEST), SIMPLE, {SIGNATURE: "no base64"}),
            (simple_payload(DIGEST), SIMPLE, {SIGNATURE: "é"}),
            (simple_payload(OTHER), SIMPLE, simple_layer(RELEASE, DIGEST)[2]),
            bundled(statement(DIGEST, SIGNED, {}), MALLORY),
            bundled(statement(OTHER, SIGNED, {})),
            bundled(statement(DIGEST, "https://spdx.dev/Document", {})),
            bundled(slsa_1(DIGEST)),
        ],
    )
    def test_anything_else_signs_nothing_and_is_no_doubt(self, attached):
        evidence = found(attached)
        assert (evidence.signers, evidence.doubts_signed) == ([], [])

    @pytest.mark.parametrize("payload", [
        simple_payload(DIGEST, "another type"), b"[]", b"no json", raw({"critical": {}}),
        raw({"critical": {"image": {"docker-manifest-digest": [DIGEST]}, "type": "x"}}),
    ])  # fmt: skip
    def test_a_good_signature_of_something_else_signs_nothing(self, payload):
        notes = {SIGNATURE: b64encode(RELEASE.sign(payload)).decode()}
        assert found((payload, SIMPLE, notes)).signers == []

    def test_a_signature_of_a_statement_is_none_of_a_payload(self):
        """The same key signs both; what is signed says which it is."""
        payload = raw(slsa_1(DIGEST))
        notes = {SIGNATURE: b64encode(RELEASE.sign(payload)).decode()}
        assert found((payload, SIMPLE, notes)).signers == []

    @pytest.mark.parametrize(
        ("attached", "words"),
        [
            (simple_layer(MALLORY, DIGEST, **CERTIFICATE), "certificate instead of a key"),
            (bundled(statement(DIGEST, SIGNED, {}), MALLORY, **CERTIFIED), "certificate"),
            ((b"", NOTATION, {}), "Notation"),
            (({"messageSignature": {}, "verificationMaterial": {}}, BUNDLE, {}), "cannot be read"),
            ((b"<html>", BUNDLE, {}), "cannot be read"),
            ((b"[]", DSSE, {}), "cannot be read"),
        ],
    )
    def test_what_cannot_be_verified_here_is_a_doubt(self, attached, words):
        evidence = found(attached)
        assert evidence.signers == []
        assert words in evidence.doubts_signed[0]

    def test_a_certificate_beside_a_key_of_ours_is_no_doubt(self):
        evidence = found(simple_layer(RELEASE, DIGEST, **CERTIFICATE))
        assert (evidence.signers, evidence.doubts_signed) == (["release"], [])


class TestProvenance:
    @pytest.mark.parametrize(
        "attached",
        [
            dsse(slsa_1(DIGEST)),
            dsse(slsa_02(DIGEST)),
            dsse(slsa_1(DIGEST), **CERTIFICATE),
            bundled(slsa_1(DIGEST)),
        ],
    )
    def test_by_a_key_of_ours_about_this_image_holds(self, attached):
        evidence = found(attached)
        assert (evidence.provenances, evidence.unverified) == ([BUILT], 0)
        assert evidence.doubts_provenance == []

    @pytest.mark.parametrize(
        "attached",
        [
            dsse(slsa_1(DIGEST), MALLORY),
            dsse(slsa_1(OTHER)),
            ({**RELEASE.envelope(slsa_1(DIGEST)), "signatures": []}, DSSE, {}),
            ({**RELEASE.envelope(slsa_1(OTHER)),
              "payload": b64encode(raw(slsa_1(DIGEST))).decode()}, DSSE, {}),
            dsse({**slsa_1(DIGEST), "subject": []}),
            dsse({**slsa_1(DIGEST), "subject": [
                {"digest": {"sha512": DIGEST.removeprefix("sha256:")}}]}),
        ],
    )  # fmt: skip
    def test_of_anybody_or_anything_else_is_unverified(self, attached):
        evidence = found(attached)
        assert (evidence.provenances, evidence.unverified) == ([], 1)

    def test_another_payload_type_is_no_statement(self):
        evidence = found((RELEASE.envelope(slsa_1(DIGEST), "text/plain"), DSSE, {}))
        assert (evidence.provenances, evidence.unverified) == ([], 0)

    @pytest.mark.parametrize(
        "attached",
        [
            dsse(slsa_1(DIGEST), MALLORY, **CERTIFICATE),
            bundled(slsa_1(DIGEST), MALLORY, **CERTIFIED),
            dsse({**slsa_1(DIGEST), "predicateType": "https://slsa.dev/provenance/v2"}),
            dsse({**slsa_1(DIGEST), "predicate": []}),
            dsse({**slsa_1(DIGEST), "_type": "https://in-toto.io/Statement/v9"}),
            dsse(b"no json"),
        ],
    )
    def test_what_cannot_be_told_is_a_doubt(self, attached):
        evidence = found(attached)
        assert (evidence.provenances, evidence.unverified) == ([], 0)
        assert evidence.doubts_provenance

    def test_only_so_many_signatures_are_tried(self):
        envelope = RELEASE.envelope(slsa_1(DIGEST))
        envelope["signatures"] = [{"sig": "AAAA"}, 1] * MOST_SIGNATURES + envelope["signatures"]
        assert found((envelope, DSSE, {})).unverified == 1

    @pytest.mark.parametrize("source", [
        None, [], {"uri": "git+x"}, {"uri": "git+x", "digest": []},
        {"uri": "git+x", "digest": {"gitCommit": "main"}}, {"uri": 1, "digest": {"sha1": COMMIT}},
    ])  # fmt: skip
    def test_what_is_no_commit_is_left_out(self, source):
        said = slsa_1(DIGEST)
        said["predicate"]["buildDefinition"]["resolvedDependencies"] = [source]
        said["predicate"]["runDetails"]["builder"] = {"id": ["x"]}
        assert found(dsse(said)).provenances == [Provenance("", frozenset())]
