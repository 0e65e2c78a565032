"""Signed notes and checkpoints: to the byte what Go's sumdb/note writes and reads."""

from base64 import b64decode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.ledger.note import (
    BadNote,
    Checkpoint,
    Key,
    Signer,
    checkpoint_of,
    key_of,
    opened,
    sign,
)

# The example in the documentation of Go's sumdb/note.
SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    f"{TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

OURS, NEXT, WITNESS = (
    Signer(name, Ed25519PrivateKey.generate())
    for name in ("log.example/ledger", "log.example/ledger", "witness.example")
)
CHECKPOINT = Checkpoint("log.example/ledger", 20_852_163, bytes(range(32)))


def test_it_signs_and_writes_keys_as_go_does():
    signer = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(SEED))
    assert sign(TEXT, signer) == NOTE
    assert signer.key.vkey == VKEY
    assert key_of(VKEY) == signer.key


def test_a_checkpoint_is_origin_size_and_root():
    assert CHECKPOINT.text == (
        "log.example/ledger\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    )
    assert checkpoint_of(CHECKPOINT.text) == CHECKPOINT


def test_further_lines_of_a_checkpoint_are_its_extension():
    extended = checkpoint_of(f"{CHECKPOINT.text}one\nanother\n")
    assert extended == replace(CHECKPOINT, extension="one\nanother\n")
    assert checkpoint_of(extended.text) == extended
    assert opened(sign(extended.text, OURS), [OURS.key]) == extended


def test_one_known_signature_is_enough_and_others_are_passed_over():
    note = sign(CHECKPOINT.text, WITNESS, OURS, NEXT)
    for keys in ([OURS.key], [NEXT.key], [OURS.key, NEXT.key, WITNESS.key]):
        assert opened(note, keys) == CHECKPOINT
    with pytest.raises(BadNote, match="no known key"):
        opened(sign(CHECKPOINT.text, WITNESS), [OURS.key, NEXT.key])


def test_a_known_key_that_signed_falsely_spoils_the_note():
    note = sign(CHECKPOINT.text, OURS, NEXT)
    other = sign(Checkpoint("log.example/ledger", 7, bytes(32)).text, NEXT)
    spoiled = "".join([*note.splitlines(keepends=True)[:-1], other.splitlines(keepends=True)[-1]])
    assert opened(spoiled, [OURS.key]) == CHECKPOINT
    with pytest.raises(BadNote, match="false"):
        opened(spoiled, [OURS.key, NEXT.key])


@pytest.mark.parametrize("put", "ABEw/")
def test_a_note_changed_anywhere_is_refused(put):
    note = sign(CHECKPOINT.text, OURS)
    for at, sign_there in enumerate(note):
        if sign_there == put:
            continue
        changed = note[:at] + put + note[at + 1 :]
        with pytest.raises(BadNote):
            opened(changed, [OURS.key])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        CHECKPOINT.text,
        CHECKPOINT.text + "\n",
        sign(CHECKPOINT.text, OURS)[:-1],
        sign(CHECKPOINT.text, OURS) + "\n",
        sign(CHECKPOINT.text, *[OURS] * 101),
        sign(CHECKPOINT.text, OURS).replace("— ", "- "),
        sign(CHECKPOINT.text, OURS).replace("20852163", "2085\t2163"),
        sign(CHECKPOINT.text, OURS) + "— log.example/ledger AAAA\n",
        sign("log.example/ledger\n07\nAAAA\n", OURS),
        sign(f"\n7\n{'A' * 43}=\n", OURS),
        sign("log.example/ledger\n7\nAAAA\n", OURS),
        sign(TEXT, OURS),
    ],
)
def test_what_is_no_signed_checkpoint_is_refused(note):
    with pytest.raises(BadNote):
        opened(note, [OURS.key])


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("PeterNeumann", "Peter Neumann"),
        VKEY.replace("+AR", "+BR"),
        VKEY[:-4],
        VKEY + "!",
        "+" + VKEY,
    ],
)
def test_what_is_no_key_is_refused(vkey):
    with pytest.raises(BadNote):
        key_of(vkey)


@pytest.mark.parametrize("text", ["no end", "a\tb\n", ""])
def test_a_text_that_no_note_may_hold_is_not_signed(text):
    with pytest.raises(BadNote):
        sign(text, OURS)


def test_a_name_that_no_key_may_have_does_not_sign():
    with pytest.raises(BadNote):
        sign(TEXT, Signer("a b", OURS.private))


def test_keys_of_one_name_have_different_ids():
    assert OURS.key.name == NEXT.key.name
    assert OURS.key.id != NEXT.key.id
    assert Key(OURS.name, OURS.key.public) == OURS.key
