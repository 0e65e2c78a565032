"""What the database says of the log, held against what stands outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from portal.ledger.note import (
    BadNote,
    Checkpoint,
    Key,
    Signer,
    checkpoint_of,
    joined,
    key_of,
    opened,
    parts,
)
from portal.ledger.origins import Anchored, continued
from portal.ledger.stored_tiles import NoTile, tile_reader
from portal.ledger.tree import consistency, root
from portal.sealer.find import Connection
from portal.sealer.refusals import Contradicted, PlaceFailed

_LAST = "SELECT origin, size, root FROM ledger_checkpoint ORDER BY size DESC LIMIT 1"
_SIZE = "SELECT coalesce(max(size), 0) FROM ledger_checkpoint"
_NEWEST = """
    SELECT note FROM ledger_signature AS signature JOIN ledger_checkpoint USING (size)
    WHERE size = (SELECT max(size) FROM ledger_signature) AND origin = %s
    ORDER BY signature.at, key
"""
_GIVEN = """
    SELECT size, origin, extract(epoch FROM clock_timestamp() - publication.at)::float8
    FROM ledger_publication AS publication JOIN ledger_checkpoint USING (size)
    WHERE place = %s ORDER BY size DESC LIMIT 1
"""
_PUBLISHED = "INSERT INTO ledger_publication (size, place) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_COSIGNED = (
    "INSERT INTO ledger_cosignature (size, key, line) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
)
_SAY = """
    INSERT INTO ledger_place (place, problem) SELECT %(place)s, %(problem)s
    WHERE %(problem)s IS DISTINCT FROM
        (SELECT problem FROM ledger_place WHERE place = %(place)s ORDER BY number DESC LIMIT 1)
"""
_BEGIN = "INSERT INTO ledger_origin (origin, extension) VALUES (%s, %s)"
LONGEST_PROBLEM = 1000


@dataclass(frozen=True)
class Signed:
    """A checkpoint and its note, with the signature of every key that signed it."""

    checkpoint: Checkpoint
    note: str


@dataclass(frozen=True)
class Given:
    """What a place was given last of this log, and how many seconds ago; size 0: nothing yet."""

    size: int
    seconds: float


@dataclass(frozen=True)
class Cosignature:
    """The line that a witness signed, and its key as name+id+key."""

    key: str
    line: str


class History:
    """The log of `origin` on one connection."""

    def __init__(self, connection: Connection, origin: str, signers: Sequence[Signer]) -> None:
        self.origin = origin
        self._connection = connection
        self._signers = signers
        self._read = tile_reader(self._fetch)

    @property
    def size(self) -> int:
        """How many entries are sealed, signed or not, under whatever name."""
        return int(self._fetch(_SIZE, [])[0][0])

    @property
    def vkey(self) -> str:
        """The public key that signs now, as name+id+key."""
        return self._signers[0].key.vkey

    def newest(self) -> Signed | None:
        """The newest signed checkpoint; None before the first under this name."""
        notes = [note for (note,) in self._fetch(_NEWEST, [self.origin])]
        if not notes:
            return None
        return Signed(checkpoint_of(parts(notes[0])[0]), joined(notes))

    def last(self) -> Anchored | None:
        """The newest checkpoint of the database, signed or not, under whatever name."""
        for origin, size, found in self._fetch(_LAST, []):
            return Anchored(origin, size, found)
        return None

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the first `old` of `new` leaves are unchanged."""
        return consistency(old, new, self._read)

    def given(self, place: str) -> Given:
        """What the place was given last."""
        for size, origin, seconds in self._fetch(_GIVEN, [place]):
            return Given(size if origin == self.origin else 0, seconds)
        return Given(0, float("inf"))

    def require(self, notes: Sequence[str], place: str) -> Anchored | None:
        """Hold the newest checkpoint of each log in a place against this one; the largest of them.

        Raises Contradicted where both cannot be true, PlaceFailed where the place holds something
        else than what it was given.
        """
        given = self.given(place).size
        held = [self._anchored(note) for note in notes]
        for one in held:
            if one.origin == self.origin:
                self._require_ours(one, place)
            else:
                self._require_before(one, place)
        if given > max((one.size for one in held if one.origin == self.origin), default=0):
            raise PlaceFailed(f"holds less than it was given: a checkpoint of {given} entries")
        return max(held, key=lambda one: one.size, default=None)

    def published(self, place: str, size: int, cosignature: Cosignature | None) -> None:
        """Note that a place has the checkpoint of this size."""
        with self._connection.transaction():
            self._connection.execute(_PUBLISHED, [size, place])
            if cosignature:
                self._connection.execute(_COSIGNED, [size, cosignature.key, cosignature.line])
        self.say(place, "")

    def say(self, place: str, problem: str) -> None:
        """Note how a place does, unless that is known already; without words it does well."""
        values = {"place": place, "problem": problem[:LONGEST_PROBLEM]}
        self._connection.execute(_SAY, values)

    def begin(self, origin: str, before: Anchored) -> None:
        """From the next checkpoint on the log is called `origin` and names the one before it."""
        self._connection.execute(_BEGIN, [origin, before.extension])

    def _anchored(self, note: str) -> Anchored:
        """Read a note that is ours. Raises PlaceFailed."""
        try:
            origin = checkpoint_of(parts(note)[0]).origin
            keys = [key_of(vkey) for (vkey,) in self._fetch("SELECT vkey FROM ledger_key", [])]
            publics = {key.public for key in [*keys, *(signer.key for signer in self._signers)]}
            found = opened(note, [Key(origin, public) for public in publics])
        except BadNote as problem:
            raise PlaceFailed(f"holds what is no checkpoint of ours: {problem}") from None
        return Anchored(found.origin, found.size, found.root)

    def _require_ours(self, held: Anchored, place: str) -> None:
        if held.size > self.size:
            raise set_back(place, held, self.size)
        try:
            ours = root(held.size, self._read)
        except NoTile:
            ours = None
        if ours != held.root:
            raise forked(place, held)

    def _require_before(self, held: Anchored, place: str) -> None:
        """A log that this one goes on from may stay as it was named, and has no more entries."""
        rows = self._fetch("SELECT extension FROM ledger_origin", [])
        for before in filter(None, (continued(extension) for (extension,) in rows)):
            if before.origin == held.origin and held.size <= before.size:
                return
        raise Contradicted(
            f"{place} holds a checkpoint of {held.size} entries of another log, {held.origin}, "
            f"and {self.origin} does not say that it goes on from there. Two portals need a place "
            "each, such as a branch or a prefix of their own.",
            held,
        )

    def _fetch(self, statement: str, values: Sequence[object]) -> Sequence[Sequence[Any]]:
        return self._connection.execute(statement, values).fetchall()


def set_back(place: str, held: Anchored, size: int) -> Contradicted:
    """The database is behind what it gave out."""
    return Contradicted(
        f"{place} knows a checkpoint of {held.size} entries of {held.origin}, and this database "
        f"has sealed {size}: it was set back to an earlier state, or is an old copy.",
        held,
    )


def forked(place: str, held: Anchored) -> Contradicted:
    """The database holds another past than it gave out."""
    return Contradicted(
        f"{place} knows a checkpoint of {held.size} entries of {held.origin} that does not fit the "
        "entries here: the log was rewritten, or it went on in two databases.",
        held,
    )
