"""A witness (C2SP tlog-witness): it signs a checkpoint only when that goes on from all it saw.

It is asked to do so, with the proof from the size that it cosigned last; another size it names.
It keeps no note that could be read, but what it signs or refuses tells whether it agrees.
"""

import re
from base64 import b64encode
from urllib.parse import urlsplit

from portal.kernel.outgoing import Got, OutgoingFailed, Reach, parse_address, send
from portal.ledger.cosignature import cosigned
from portal.ledger.note import COSIGNATURE, BadNote, Key, key_of
from portal.ledger.origins import Anchored
from portal.ledger.stored_tiles import NoTile
from portal.sealer.history import Cosignature, History, Signed, forked, set_back
from portal.sealer.refusals import PlaceFailed

SECONDS = 15.0
MOST_BYTES = 64 * 1024
TRIES = 3  # another sealer's checkpoint may come between, not again and again
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")
_SAID = {
    403: "does not accept our key; its operator must replace it by {vkey}",
    404: "does not know this log; its operator must add {vkey}",
    429: "asks us to come less often",
}


def place_of(address: str) -> "Witness":
    """`witness+https://HOST/PREFIX#NAME+ID+KEY`. Raises ValueError."""
    url = urlsplit(address.removeprefix("witness+"))
    prefix = f"{url.scheme}://{url.netloc}{url.path}".rstrip("/")
    parse_address(prefix)
    if url.query or not url.fragment:
        raise ValueError("the key of the witness follows behind #, as NAME+ID+KEY")
    return Witness(prefix, key_of(url.fragment, COSIGNATURE))


class Witness:
    """The witness behind a submission prefix. Its operator chose the network it is in."""

    readable = True
    pause = 0.0

    def __init__(self, prefix: str, key: Key) -> None:
        self.name = f"witness+{prefix}"
        self._url = f"{prefix}/add-checkpoint"
        found = parse_address(prefix)
        self._reach = Reach(frozenset({f"{found.name}:{found.port}"}), private=True)
        self._key = key

    def check(self, history: History) -> Anchored | None:
        """Have it sign the newest checkpoint once more."""
        signed = history.newest()
        if signed is None:
            return None
        self.anchor(signed, history)
        checkpoint = signed.checkpoint
        return Anchored(checkpoint.origin, checkpoint.size, checkpoint.root)

    def anchor(self, signed: Signed, history: History) -> Cosignature | None:
        """Have it sign, from the size that it knows."""
        old = history.given(self.name).size
        for _ in range(TRIES):
            got = self._ask(old, signed, history)
            if got.status == 200:
                return self._cosignature(got.body, signed)
            old = self._other_size(got, old, signed, history)
        raise PlaceFailed("names another size each time")

    def _ask(self, old: int, signed: Signed, history: History) -> Got:
        try:
            proof = history.consistency(old, signed.checkpoint.size)
        except NoTile:
            raise forked(self.name, Anchored(history.origin, old)) from None
        lines = "".join(f"{b64encode(one).decode()}\n" for one in proof)
        body = f"old {old}\n{lines}\n{signed.note}".encode()
        try:
            return send("POST", self._url, self._reach, body=body, seconds=SECONDS,
                        most_bytes=MOST_BYTES)  # fmt: skip
        except OutgoingFailed as problem:
            raise PlaceFailed(f"could not be reached: {problem}") from None

    def _cosignature(self, body: bytes, signed: Signed) -> Cosignature:
        try:
            line, _at = cosigned(signed.checkpoint.text, body.decode(), self._key)
        except (BadNote, UnicodeDecodeError) as problem:
            raise PlaceFailed(f"gave no cosignature of the key it is known by: {problem}") from None
        return Cosignature(self._key.vkey, line)

    def _other_size(self, got: Got, old: int, signed: Signed, history: History) -> int:
        """The size that the witness goes on from. Raises Contradicted, PlaceFailed."""
        size, known = signed.checkpoint.size, Anchored(history.origin, old)
        if got.status == 422 and old:
            raise forked(self.name, known)
        said = _SIZE.fullmatch(got.body) if got.status == 409 else None
        if said and int(said[1]) > (sealed := history.size):
            raise set_back(self.name, Anchored(history.origin, int(said[1])), sealed)
        if said and int(said[1]) < history.given(self.name).size:
            raise PlaceFailed(f"knows less than it signed: a checkpoint of {int(said[1])} entries")
        if said and old != int(said[1]) <= size:
            return int(said[1])
        if got.status == 409 and old == size:
            raise forked(self.name, known)
        words = _SAID.get(got.status, f"answered with status {got.status}")
        raise PlaceFailed(words.format(vkey=history.vkey))
