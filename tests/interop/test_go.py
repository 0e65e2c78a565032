"""Go's own verifier of logs accepts ours, and refuses each copy that was tampered with."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.ledger.chain import leaf_hash
from portal.ledger.note import Checkpoint, Signer, sign
from portal.ledger.tree import root_of
from tests.interop.copies import copy_of, go_judges, reader_of

ORIGIN = "countersign.example/ledger"
OURS, FOREIGN = (Signer(ORIGIN, Ed25519PrivateKey.generate()) for _ in range(2))
EARLIER, HERE, SIZE = 100, 200, 300
MANY = [b'{"entry":{"v":1},"number":%d}' % number for number in range(600)]
ENTRIES = MANY[:SIZE]


def checkpoint(entries, *signers):
    root = root_of(map(leaf_hash, entries))
    return sign(Checkpoint(ORIGIN, len(entries), root).text, *signers)


def copy(entries, proved=None, **changed):
    """What Go is given: entries, with tiles and proofs over them or over `proved`."""
    signed = {
        "Origin": ORIGIN,
        "Keys": [OURS.key.vkey],
        "Checkpoint": checkpoint(ENTRIES, OURS),
        "Earlier": checkpoint(ENTRIES[:EARLIER], OURS),
        "EarlierSize": EARLIER,
        **changed,
    }
    read = reader_of([leaf_hash(leaf) for leaf in proved or entries])
    return copy_of(len(entries), read, entries, **signed)


def test_whole_copies_of_any_size_are_accepted():
    sizes = [1, 2, 255, 256, 257, 512, 600]
    copies = [
        copy(
            MANY[:size],
            Checkpoint=checkpoint(MANY[:size], FOREIGN, OURS),
            Earlier=checkpoint(MANY[: max(size // 2, 1)], OURS),
            EarlierSize=max(size // 2, 1),
        )
        for size in sizes
    ]
    assert go_judges(*copies) == ["accepted"] * len(sizes)


def flipped(entries):
    return [
        *entries[:HERE],
        bytes([entries[HERE][0] ^ 1]) + entries[HERE][1:],
        *entries[HERE + 1 :],
    ]


def dropped(entries):
    return [*entries[:HERE], *entries[HERE + 1 :]]


def swapped(entries):
    return [*entries[:HERE], entries[HERE + 1], entries[HERE], *entries[HERE + 2 :]]


@pytest.mark.parametrize("tampered", [flipped, dropped, swapped])
def test_entries_that_were_tampered_with_are_refused(tampered):
    entries = tampered(ENTRIES)
    judgements = go_judges(
        copy(ENTRIES),
        copy(entries, proved=ENTRIES),
        copy(entries),  # whoever did it computed tiles and proofs anew
        copy(entries, Checkpoint=checkpoint(entries, FOREIGN)),  # and signed, with a key of theirs
    )
    assert judgements[0] == "accepted"
    assert [one.partition(":")[0] for one in judgements[1:]] == ["refused"] * 3


def test_a_past_rewritten_with_our_own_key_is_refused_by_who_holds_an_earlier_checkpoint():
    rewritten = [b"another past", *ENTRIES[1:]]
    (judgement,) = go_judges(copy(rewritten, Checkpoint=checkpoint(rewritten, OURS)))
    assert judgement.startswith("refused")


def test_a_wrong_root_is_refused_even_signed():
    wrong = sign(Checkpoint(ORIGIN, SIZE, bytes(32)).text, OURS)
    root = checkpoint(ENTRIES, OURS).splitlines()[2]
    changed = checkpoint(ENTRIES, OURS).replace(root, "A" * 43 + "=")
    for judgement in go_judges(copy(ENTRIES, Checkpoint=wrong), copy(ENTRIES, Checkpoint=changed)):
        assert judgement.startswith("refused")


def test_a_foreign_signature_is_refused():
    foreign, ours = checkpoint(ENTRIES, FOREIGN), checkpoint(ENTRIES, OURS)
    line = foreign.splitlines(keepends=True)[-1]
    renamed = ours.replace(ours.splitlines(keepends=True)[-1], line)
    other = ours.replace(ORIGIN, "elsewhere.example/ledger")
    copies = [copy(ENTRIES, Checkpoint=note) for note in (foreign, renamed, other)]
    assert [one.partition(":")[0] for one in go_judges(*copies)] == ["refused"] * 3
