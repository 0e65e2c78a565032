"""Checkpoints as signed notes (C2SP tlog-checkpoint and signed-note). Pure.

A note is a text and, behind an empty line, one line for each signature. Keys are Ed25519 and are
written as Go's sumdb/note does: `name+id+key`.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
COSIGNATURE = 0x04  # Ed25519 too, of a witness (portal/ledger/cosignature.py)
MOST_SIGNATURES = 100
_ID_BYTES = 4
_KEY_BYTES = 32
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<data>[A-Za-z0-9+/]+={0,2})")
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(ValueError):
    """The note, its signatures or a key are not what they must be; the sentence says how."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at a size: `origin` names the log, `root` is the root over its first `size` leaves.

    `extension` is what else is signed, whole lines; `portal/ledger/origins.py` writes one.
    """

    origin: str
    size: int
    root: bytes
    extension: str = ""

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n{self.extension}"


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that checks notes, under the name its signatures carry."""

    name: str
    public: bytes
    algorithm: int = ED25519

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return key_id(self.name, self.algorithm, self.public)

    @property
    def vkey(self) -> str:
        """`name+id+key`, as verifiers take it."""
        key = b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{key}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key and the name it signs under."""

    name: str
    private: Ed25519PrivateKey

    @property
    def key(self) -> Key:
        """The public half."""
        return Key(self.name, self.private.public_key().public_bytes_raw())


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """The first four bytes of `SHA-256(name || newline || algorithm || public)`."""
    return hashlib.sha256(f"{name}\n".encode() + bytes([algorithm]) + public).digest()[:_ID_BYTES]


def key_of(vkey: str, algorithm: int = ED25519) -> Key:
    """The key that `name+id+key` writes, one for notes or for cosignatures. Raises BadNote."""
    name, _, rest = vkey.partition("+")
    written_id, _, written_key = rest.partition("+")
    data = _decoded(written_key)
    if not _NAME.fullmatch(name) or len(data) != 1 + _KEY_BYTES or data[0] != algorithm:
        raise BadNote("not an Ed25519 key written as name+id+key")
    key = Key(name, data[1:], algorithm)
    if key.id.hex() != written_id:
        raise BadNote(f"the id of the key of {name} does not fit the key")
    return key


def sign(text: str, *signers: Signer) -> str:
    """The note of `text`, signed by each. Raises BadNote for a text or a name that is not fit."""
    _require_text(text)
    lines = []
    for signer in signers:
        if not _NAME.fullmatch(signer.name):
            raise BadNote(f"{signer.name!r} cannot be the name of a key")
        signature = signer.key.id + signer.private.sign(text.encode())
        lines.append(f"— {signer.name} {b64encode(signature).decode()}\n")
    return f"{text}\n{''.join(lines)}"


def joined(notes: Sequence[str], *lines: str) -> str:
    """One note of notes over one text, with all their signatures and further lines of such."""
    return notes[0] + "".join([*(note.rpartition("\n\n")[2] for note in notes[1:]), *lines])


def opened(note: str, keys: Iterable[Key]) -> Checkpoint:
    """The checkpoint in a note that at least one of the keys signed.

    Signatures of other keys are passed over, as witnesses add theirs. Raises BadNote when there is
    none of these keys, when one of theirs is false, or when the text is no checkpoint.
    """
    text, signatures = parts(note)
    known = {(key.name, key.id): key for key in keys}
    ours = [(known[who], data) for who, data in signatures if who in known]
    if not ours:
        raise BadNote("no known key signed it")
    for key, data in ours:
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(data, text.encode())
        except InvalidSignature:
            raise BadNote(f"the signature of {key.name} is false") from None
    return checkpoint_of(text)


def checkpoint_of(text: str) -> Checkpoint:
    """Read the text of a checkpoint; further lines are its extension. Raises BadNote."""
    origin, size, root, extension = [*text.split("\n", 3), "", "", ""][:4]
    if not origin or not _SIZE.fullmatch(size) or len(_decoded(root)) != _KEY_BYTES:
        raise BadNote("not a checkpoint: origin, size, root")
    return Checkpoint(origin, int(size), _decoded(root), extension)


def parts(note: str) -> tuple[str, list[tuple[tuple[str, bytes], bytes]]]:
    """Text and signatures, each as ((name, id), bytes). Raises BadNote."""
    text, gap, rest = note.rpartition("\n\n")
    lines = rest.split("\n")
    if not gap or lines.pop() or not 0 < len(lines) <= MOST_SIGNATURES:
        raise BadNote("not a text, an empty line and lines of signatures")
    _require_text(text + "\n")
    signatures = []
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        data = _decoded(found["data"]) if found else b""
        if not found or len(data) <= _ID_BYTES:
            raise BadNote("a line is not a signature")
        signatures.append(((found["name"], data[:_ID_BYTES]), data[_ID_BYTES:]))
    return text + "\n", signatures


def _require_text(text: str) -> None:
    """Lines without control characters, the last one ended too."""
    if not text.endswith("\n") or any(sign < " " and sign != "\n" for sign in text):
        raise BadNote("the text has control characters, or does not end with a line")


def _decoded(text: str) -> bytes:
    """Bytes of base64, strictly; empty when it is none, or not as it would be written.

    Bits that belong to no byte could be changed otherwise, and the note still be taken.
    """
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if b64encode(data).decode() == text else b""
