"""What a witness answers: a cosignature over a checkpoint (C2SP tlog-cosignature, Ed25519). Pure.

It says that at its time the checkpoint was the largest one that the witness had seen of this log,
and goes on from all that it had seen before.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from portal.ledger.note import BadNote, Key, parts

_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
_LATEST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def cosigned(text: str, lines: str, key: Key) -> tuple[str, datetime]:
    """The line of `lines` that `key` signed over the checkpoint `text`, and when it did.

    Lines of other keys are passed over. Raises BadNote when there is none of this key, or a false
    one.
    """
    for line, data in _of(text, lines, key):
        seconds = int.from_bytes(data[:_TIME_BYTES])
        if len(data) != _TIME_BYTES + _SIGNATURE_BYTES or seconds > _LATEST:
            raise BadNote(f"the cosignature of {key.name} is not a time and a signature")
        try:
            signed = f"cosignature/v1\ntime {seconds}\n{text}".encode()
            Ed25519PublicKey.from_public_bytes(key.public).verify(data[_TIME_BYTES:], signed)
        except InvalidSignature:
            raise BadNote(f"the cosignature of {key.name} is false") from None
        return line, datetime.fromtimestamp(seconds, UTC)
    raise BadNote(f"no cosignature of {key.name}")


def _of(text: str, lines: str, key: Key) -> Iterator[tuple[str, bytes]]:
    """The lines of one key, each with its bytes."""
    _text, signatures = parts(f"{text}\n{lines}")
    for line, (who, data) in zip(lines.splitlines(keepends=True), signatures, strict=True):
        if who == (key.name, key.id):
            yield line, data
