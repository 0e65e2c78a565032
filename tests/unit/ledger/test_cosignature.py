"""Cosignatures of witnesses, as C2SP tlog-cosignature writes them."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.ledger.cosignature import cosigned
from portal.ledger.note import COSIGNATURE, ED25519, BadNote, Checkpoint, Key, key_id, key_of

PRIVATE, STRANGER = (Ed25519PrivateKey.generate() for _ in range(2))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
KEY = Key("witness.example/w1", PUBLIC, COSIGNATURE)
TEXT = Checkpoint("log.example", 7, bytes(32)).text
SECONDS = 1_679_315_147
SIGNED = f"cosignature/v1\ntime {SECONDS}\n{TEXT}".encode()


def line(signature, seconds=SECONDS, name=KEY.name, algorithm=COSIGNATURE):
    data = key_id(name, algorithm, PUBLIC) + seconds.to_bytes(8) + signature
    return f"— {name} {b64encode(data).decode()}\n"


TRUE = line(PRIVATE.sign(SIGNED))


def test_the_line_of_the_key_is_found_among_others():
    others = [line(PRIVATE.sign(SIGNED), name="other"), line(PRIVATE.sign(SIGNED), algorithm=6)]
    found = (TRUE, datetime.fromtimestamp(SECONDS, UTC))
    assert cosigned(TEXT, others[0] + TRUE + others[1], KEY) == found


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (line(PRIVATE.sign(SIGNED), SECONDS + 1), "is false"),
        (line(STRANGER.sign(SIGNED)), "is false"),
        (line(PRIVATE.sign(TEXT.encode())), "is false"),
        (line(PRIVATE.sign(SIGNED)[:-1]), "not a time and a signature"),
        (line(PRIVATE.sign(SIGNED), 1 << 62), "not a time and a signature"),
        (line(PRIVATE.sign(SIGNED), algorithm=ED25519), "no cosignature of"),
        (TRUE.rstrip(), "an empty line and lines of signatures"),
        ("", "an empty line and lines of signatures"),
        ("<html>\n", "not a signature"),
    ],
)
def test_anything_else_is_refused(lines, says):
    with pytest.raises(BadNote, match=says):
        cosigned(TEXT, lines, KEY)


def test_a_witness_key_is_none_that_signs_notes():
    assert key_of(KEY.vkey, COSIGNATURE) == KEY
    with pytest.raises(BadNote, match="not an Ed25519 key"):
        key_of(KEY.vkey)
