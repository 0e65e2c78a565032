"""Go reads a checkpoint that names the log before it and carries the line of a witness."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.ledger.chain import leaf_hash
from portal.ledger.note import Checkpoint, Signer, sign
from portal.ledger.origins import Anchored
from portal.ledger.tree import root_of
from tests.interop.copies import copy_of, go_judges, reader_of

ORIGIN = "countersign.example/log/2"
OURS = Signer(ORIGIN, Ed25519PrivateKey.generate())
WITNESS = Signer("witness.example/w1", Ed25519PrivateKey.generate())
ENTRIES = [b'{"entry":{"v":1},"number":%d}' % number for number in range(300)]
BEFORE = Anchored("countersign.example/log/1", 320, bytes(32))


def judged(note):
    hashes = [leaf_hash(leaf) for leaf in ENTRIES]
    copy = copy_of(
        len(ENTRIES), reader_of(hashes), ENTRIES,
        Origin=ORIGIN, Keys=[OURS.key.vkey], Checkpoint=note, Earlier="", EarlierSize=0,
    )  # fmt: skip
    (judgement,) = go_judges(copy)
    return judgement


def test_an_extended_and_cosigned_checkpoint_is_accepted_and_its_extension_is_signed():
    root = root_of(map(leaf_hash, ENTRIES))
    note = sign(Checkpoint(ORIGIN, len(ENTRIES), root, BEFORE.extension).text, OURS, WITNESS)
    assert judged(note) == "accepted"
    assert judged(note.replace(" 320 ", " 319 ")).startswith("refused")
