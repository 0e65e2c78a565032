"""What proves one entry: its leaf, the hashes up to a signed root, and the note that signs it."""

from dataclasses import dataclass

from portal.ledger.chain import leaf_hash
from portal.ledger.note import Checkpoint, joined
from portal.ledger.stored_tiles import NoTile
from portal.ledger.tiles import Archived, fetch, leaves_between, read_tile
from portal.ledger.tree import consistency, inclusion, verify_inclusion

_LEAF = "SELECT index, number FROM ledger_leaf WHERE entry = %s"
_PUBLISHED = """
    SELECT origin, size, root, coalesce(extension, '')
    FROM ledger_publication AS publication JOIN ledger_checkpoint USING (size)
        LEFT JOIN ledger_origin USING (origin)
    WHERE publication.place = 'portal' ORDER BY publication.size DESC LIMIT 1
"""
_NOTES = "SELECT note FROM ledger_signature WHERE size = %s ORDER BY at, key"
_COSIGNATURES = "SELECT line FROM ledger_cosignature WHERE size = %s ORDER BY at, key"


class NotSealed(LookupError):
    """The entry is in no published checkpoint yet: that takes a second or two."""


class BrokenSeal(LookupError):
    """The entry was sealed, and is not what was sealed, or parts of the log are missing."""


@dataclass(frozen=True)
class EntryProof:
    """Leaf `index` of a log of `size` leaves; `note` is the signed checkpoint of that size."""

    index: int
    number: int
    size: int
    leaf: bytes
    hashes: list[bytes]
    note: str


def proof_of(entry_id: int) -> EntryProof:
    """The proof of an entry in the newest published checkpoint; it was tried before it is given.

    Raises NotSealed, BrokenSeal, and Archived where only a file has the leaf's bytes.
    """
    checkpoint, leaves = published_checkpoint(), fetch(_LEAF, [entry_id])
    if checkpoint is None or not leaves or leaves[0][0] >= checkpoint.size:
        raise NotSealed(entry_id)
    index, number = leaves[0]
    try:
        (leaf,) = leaves_between(index, index + 1)
        hashes = inclusion(index, checkpoint.size, read_tile)
    except Archived:
        raise
    except NoTile as missing:
        raise BrokenSeal(entry_id) from missing
    if not verify_inclusion(leaf_hash(leaf), index, checkpoint.size, hashes, checkpoint.root):
        raise BrokenSeal(entry_id)
    return EntryProof(index, number, checkpoint.size, leaf, hashes, note_of(checkpoint.size))


def consistency_between(old: int, new: int) -> list[bytes]:
    """The proof that the log of `new` leaves goes on from that of `old`.

    Raises ValueError, NoTile.
    """
    return consistency(old, new, read_tile)


def published_checkpoint() -> Checkpoint | None:
    """The newest checkpoint that the portal gives out; None before the first."""
    for origin, size, root, extension in fetch(_PUBLISHED, []):
        return Checkpoint(origin, size, bytes(root), extension)
    return None


def note_of(size: int) -> str:
    """The note of the checkpoint of this size, with every signature and cosignature over it.

    Raises NotSealed where there is none.
    """
    notes = [str(note) for (note,) in fetch(_NOTES, [size])]
    if not notes:
        raise NotSealed(size)
    return joined(notes, *(str(line) for (line,) in fetch(_COSIGNATURES, [size])))
