"""Images, signatures and statements as registries keep them, made with keys of the tests."""

import hashlib
import json
from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from tests.factories import COMMIT

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
IN_TOTO = "application/vnd.in-toto+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = {"dev.sigstore.cosign/certificate": "-----BEGIN CERTIFICATE-----"}
BUILDER = "https://forge.example/runner"


class Signer:
    """Somebody with a key: ECDSA P-256, or "ed25519", or "rsa"."""

    def __init__(self, name="release", kind="ecdsa"):
        self.name = name
        make = {
            "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
            "rsa": lambda: rsa.generate_private_key(65537, 2048),
        }
        self.key = make[kind]()

    @property
    def pem(self):
        public = self.key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def setting(self):
        """The key as people enter it."""
        return f"{self.name} = {self.pem}"

    def sign(self, data):
        """As cosign does."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(SHA256()))
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), SHA256())
        return self.key.sign(data)

    def envelope(self, said, kind=IN_TOTO):
        """DSSE as another library makes it; RSA in its other form (PSS)."""
        found = Envelope(raw(said), kind, {})
        found.sign(CryptoSigner(self.key))
        return found.to_dict()


def raw(document):
    """The bytes of a document; bytes stay as they are."""
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def digest_of(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def descriptor(data, media_type, **more):
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


def manifest(*layers, **more):
    """A manifest of layers (bytes, media type, annotations)."""
    rows = [descriptor(data, kind, annotations=notes) for data, kind, notes in layers]
    return raw({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": descriptor(b"{}", CONFIG),
        "layers": rows,
        **more,
    })  # fmt: skip


def index(*rows):
    return raw({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(rows)})


def simple_payload(digest, kind="cosign container image signature"):
    """What cosign signs of an image."""
    image = {"docker-manifest-digest": digest}
    identity = {"docker-reference": "registry.example/shop/api"}
    critical = {"identity": identity, "image": image, "type": kind}
    return raw({"critical": critical, "optional": None})


def simple_layer(signer, digest, **notes):
    """cosign's signature of an image."""
    payload = simple_payload(digest)
    signature = b64encode(signer.sign(payload)).decode()
    return payload, SIMPLE, {SIGNATURE: signature, **notes}


def statement(digest, predicate_type, predicate, form="https://in-toto.io/Statement/v1"):
    named = {"sha256": digest.removeprefix("sha256:")}
    subjects = [{"name": "else", "digest": {"sha256": "0" * 64}},
                {"name": "shop/api", "digest": named}]  # fmt: skip
    return {
        "_type": form,
        "subject": subjects,
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def slsa_1(digest, commit=COMMIT, builder=BUILDER):
    """How it was built, as SLSA v1 says it."""
    sources = [
        {"uri": "git+https://forge.example/shop@refs/heads/main", "digest": {"gitCommit": commit}},
        {"uri": "pkg:docker/base", "digest": {"sha256": "1" * 64, "sha1": "2" * 40}},
    ]
    predicate = {
        "buildDefinition": {"buildType": "x", "resolvedDependencies": sources},
        "runDetails": {"builder": {"id": builder}},
    }
    return statement(digest, "https://slsa.dev/provenance/v1", predicate)


def slsa_02(digest, commit=COMMIT, builder=BUILDER):
    """The same as v0.2 says it."""
    source = {"uri": "git+https://forge.example/shop", "digest": {"sha1": commit}}
    predicate = {
        "builder": {"id": builder},
        "buildType": "x",
        "invocation": {"configSource": source},
        "materials": [source],
    }
    form = "https://in-toto.io/Statement/v0.1"
    return statement(digest, "https://slsa.dev/provenance/v0.2", predicate, form)


def bundle(envelope, **material):
    """Sigstore's bundle, by a key unless `material` says otherwise."""
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": material or {"publicKey": {"hint": "x"}},
        "dsseEnvelope": envelope,
    }
