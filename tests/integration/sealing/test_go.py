"""Go's own verifier takes what stands in the tables, and refuses it after a superuser was there."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.ledger.leaf import leaf_bytes
from portal.ledger.note import Checkpoint, Signer, sign
from portal.ledger.stored_tiles import tile_reader
from portal.ledger.tree import TILE_WIDTH, root_of
from portal.ledger.verify import known_keys
from tests.integration.sealing.book import LEAVES, OTHER, write
from tests.interop.copies import copy_of, go_judges

EARLIER, SIZE = TILE_WIDTH - 6, TILE_WIDTH + 4
NOTE = "SELECT note FROM ledger_signature WHERE size = %s"


@pytest.fixture
def sealed(book):
    """Two checkpoints, a full tile; what somebody outside wrote down before anything happened."""
    for count, project in ((EARLIER, OTHER), (SIZE - EARLIER, None)):
        with book.app.transaction():
            write(book.app, count, project)
        book.seal()
    book.keys = known_keys(book.app)
    book.earlier = book.one(NOTE, EARLIER)
    return book


def judged(book):
    """Go's judgement of a copy of what the tables hold now."""
    found = book.rows(LEAVES)
    leaves = [
        leaf_bytes(at=at, payload=payload, number=number)
        for *_, number, _hash, at, payload in found
    ]
    copy = copy_of(
        len(leaves),
        tile_reader(lambda statement, values: book.rows(statement, *values)),
        leaves,
        Origin=book.options.origin,
        Keys=book.keys,
        Checkpoint=book.one(NOTE, SIZE),
        Earlier=book.earlier,
        EarlierSize=EARLIER,
    )
    return go_judges(copy)[0]


def payload_byte(book):
    yield (
        "UPDATE ledger_entry SET payload = overlay(payload placing '\\x58' from 9) WHERE id = 18"
    )


def dropped_entry(book):
    """As if it had never been: the leaves behind it move up, tiles and root are made anew."""
    yield "DELETE FROM ledger_entry WHERE id = 18"
    yield "DELETE FROM ledger_leaf WHERE index = 17"
    yield "UPDATE ledger_leaf SET index = index + 5000 WHERE index > 17"
    yield "UPDATE ledger_leaf SET index = index - 5001 WHERE index > 5000"
    hashes = [one for index, *_, one, _at, _payload in book.rows(LEAVES) if index != 17]
    full = hashes[:TILE_WIDTH]
    yield (
        f"UPDATE ledger_tile SET hashes = '\\x{b''.join(full).hex()}', "
        f"root = '\\x{root_of(full).hex()}'"
    )


def reordered_entries(book):
    yield "ALTER TABLE ledger_leaf DROP CONSTRAINT ledger_leaf_entry_key"
    yield "UPDATE ledger_leaf SET entry = 11 - entry WHERE entry IN (5, 6)"


def wrong_root(book):
    note = book.one(NOTE, SIZE)
    root = note.splitlines()[2]
    yield f"UPDATE ledger_signature SET note = replace(note, '{root}', '{'A' * 43}=')"


def foreign_signature(book):
    foreign = Signer(book.options.origin, Ed25519PrivateKey.generate())
    root = book.one("SELECT root FROM ledger_checkpoint WHERE size = %s", SIZE)
    note = sign(Checkpoint(book.options.origin, SIZE, root).text, foreign)
    yield f"UPDATE ledger_signature SET note = '{note}' WHERE size = {SIZE}"


@pytest.mark.parametrize(
    "tampering", [payload_byte, dropped_entry, reordered_entries, wrong_root, foreign_signature]
)
def test_go_takes_the_sealed_log_and_refuses_it_tampered_with(sealed, tampering):
    assert judged(sealed) == "accepted"
    sealed.superuser(*tampering(sealed))
    assert judged(sealed).startswith("refused")
