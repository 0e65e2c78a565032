"""The forms in which entries are sent: one piece an entry, and a body of pieces. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from approvals.audit.siem import format_cef, format_json, format_ocsf
from approvals.audit.siem.entry import SealedEntry, Sender

MOST_ENTRIES = 100
MOST_BYTES = 256 * 1024  # of a body; one entry alone may be larger


@dataclass(frozen=True)
class Format:
    """`piece` is one entry's part of what `body` puts together."""

    piece: Callable[[SealedEntry, Sender], bytes]
    body: Callable[[Sequence[SealedEntry], Sequence[bytes], Sender], bytes]


FORMATS = {
    "json": Format(format_json.piece, format_json.body),
    "ocsf": Format(format_ocsf.piece, format_ocsf.body),
    "cef": Format(format_cef.piece, format_cef.body),
}


@dataclass(frozen=True)
class Batch:
    """The bytes of one sending, and how many entries are in them."""

    body: bytes
    count: int


def batch_of(kind: str, entries: Sequence[SealedEntry], sender: Sender) -> Batch:
    """As many of the first of `entries` as one sending takes, at least one."""
    form = FORMATS[kind]
    pieces: list[bytes] = []
    left = MOST_BYTES
    for entry in entries:
        piece = form.piece(entry, sender)
        left -= len(piece)
        if left < 0 and pieces:
            break
        pieces.append(piece)
    return Batch(form.body(entries[: len(pieces)], pieces, sender), len(pieces))
