"""What signatures and statements that are attached to an image prove, by the keys people named.

Signatures: cosign's, of a payload that names the image. Statements: in-toto in a DSSE envelope, by
itself or in a bundle of Sigstore; of them those about how it was built (SLSA provenance) count, and
those that cosign signs instead of a payload. What is signed without a key of ours proves nothing,
and disproves nothing: then there is a doubt. Asks nobody.
"""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from securesystemslib.dsse import Envelope

from approvals.context.provenance import SLSA, Provenance, provenance_of
from approvals.context.public_keys import NamedKey, signers

SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle"
NOTATION = "application/vnd.cncf.notary.signature"
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
SIGNED = "https://sigstore.dev/cosign/sign/v1"
IN_TOTO = "application/vnd.in-toto+json"
MOST_SIGNATURES = 16
_PAYLOADS = {"cosign container image signature", SIGNED}
_STATEMENTS = {"https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"}
_KEYLESS = "it is signed with a certificate instead of a key, which is not verified here"
_FOREIGN = "it has a signature of Notation, which is not verified here"
_UNREADABLE = "something that is attached to it cannot be read"


@dataclass(frozen=True)
class Attached:
    """Bytes that are attached to an image, as their digest says; the rest is said of them."""

    media_type: str
    payload: bytes
    annotations: Mapping[str, str]


@dataclass
class Evidence:
    """What was found: names of who signed, statements that hold, how many do not, and doubts."""

    signers: list[str] = field(default_factory=list)
    provenances: list[Provenance] = field(default_factory=list)
    unverified: int = 0
    doubts_signed: list[str] = field(default_factory=list)
    doubts_provenance: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Weighing:
    digest: str
    keys: Sequence[NamedKey]
    found: Evidence

    def weigh(self, one: Attached) -> None:
        if one.media_type == NOTATION:
            self.found.doubts_signed.append(_FOREIGN)
        elif one.media_type == SIMPLE:
            self._signature(one)
        elif one.media_type == DSSE:
            self._envelope(_json(one.payload), keyless=CERTIFICATE in one.annotations)
        else:
            self._bundle(_json(one.payload))

    def _signature(self, one: Attached) -> None:
        names = signers(self.keys, one.payload, [_base64(one.annotations.get(SIGNATURE))])
        if names and _names_image(_json(one.payload), self.digest):
            self.found.signers += names
        elif not names and CERTIFICATE in one.annotations:
            self.found.doubts_signed.append(_KEYLESS)

    def _bundle(self, bundle: Any) -> None:
        match bundle:
            case {"dsseEnvelope": envelope, "verificationMaterial": dict() as material}:
                self._envelope(envelope, keyless="publicKey" not in material)
            case {"messageSignature": _}:
                self.found.doubts_signed.append(_UNREADABLE)  # of what, it does not say
            case _:
                self._unreadable()

    def _envelope(self, envelope: Any, *, keyless: bool) -> None:
        match envelope:
            case {"payload": str() as text, "payloadType": str() as kind, "signatures": [*rows]}:
                payload = _base64(text)
                pae = Envelope(payload, kind, {}).pae()
                names = signers(self.keys, pae, _signatures(rows))
                if kind == IN_TOTO:
                    self._statement(_json(payload), names, keyless=keyless)
            case _:
                self._unreadable()

    def _statement(self, statement: Any, names: tuple[str, ...], *, keyless: bool) -> None:
        match statement:
            case {"_type": form, "predicateType": str() as kind, "subject": [*subjects]}:
                known = form in _STATEMENTS
            case _:
                known = False
        if not known:
            self._unreadable()
            return
        holds = bool(names) and any(_is_of(subject, self.digest) for subject in subjects)
        if kind == SIGNED and (holds or not names):
            self._signed(names, keyless=keyless)
        elif kind.startswith(SLSA):
            self._provenance(statement, holds, keyless=keyless and not names)

    def _signed(self, names: tuple[str, ...], *, keyless: bool) -> None:
        self.found.signers += names
        if keyless and not names:
            self.found.doubts_signed.append(_KEYLESS)

    def _provenance(self, statement: Any, holds: bool, *, keyless: bool) -> None:
        if keyless:
            self.found.doubts_provenance.append(_KEYLESS)
        elif not holds:
            self.found.unverified += 1
        elif provenance := provenance_of(statement):
            self.found.provenances.append(provenance)
        else:
            self.found.doubts_provenance.append(_UNREADABLE)

    def _unreadable(self) -> None:
        self.found.doubts_signed.append(_UNREADABLE)
        self.found.doubts_provenance.append(_UNREADABLE)


def evidence_of(digest: str, attached: Iterable[Attached], keys: Sequence[NamedKey]) -> Evidence:
    """What the attached bytes prove of the image with this digest."""
    found = Evidence()
    weighing = _Weighing(digest, keys, found)
    for one in attached:
        weighing.weigh(one)
    return found


def is_weighed(media_type: str) -> bool:
    """Whether bytes of this type may be a signature or a statement."""
    return media_type in {SIMPLE, DSSE} or media_type.startswith(BUNDLE)


def _names_image(payload: Any, digest: str) -> bool:
    match payload:
        case {"critical": {"image": {"docker-manifest-digest": str() as named}, "type": kind}}:
            return named == digest and kind in _PAYLOADS
    return False


def _is_of(subject: Any, digest: str) -> bool:
    match subject:
        case {"digest": {"sha256": str() as named}}:
            return f"sha256:{named}" == digest
    return False


def _signatures(rows: list[Any]) -> list[bytes]:
    """At most MOST_SIGNATURES of an envelope: each costs a try with every key."""
    given = [row.get("sig") for row in rows[:MOST_SIGNATURES] if isinstance(row, dict)]
    return [_base64(text) for text in given]


def _base64(text: Any) -> bytes:
    """The bytes; none for what is no base64: they are signed by nobody."""
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else b""
    except (NoBase64, ValueError):
        return b""


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
