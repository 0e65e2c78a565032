"""What the tests of sealing do with a ledger: write as the application, seal, look, tamper."""

import contextlib
from collections import Counter
from typing import Any
from uuid import UUID

import psycopg

from portal.ledger.actors import SYSTEM
from portal.ledger.anchor_sql import ANCHORS
from portal.ledger.chain import leaf_hash
from portal.ledger.leaf import leaf_bytes
from portal.ledger.note import key_of, opened
from portal.ledger.record import NewEntry, new_entry
from portal.ledger.seal_sql import TABLES
from portal.ledger.tree import root_of
from portal.runner.postgres import Server
from portal.sealer.append import Log
from portal.sealer.key import signers_of
from portal.sealer.options import Options
from portal.sealer.publish import publish_checkpoints, sign_checkpoints
from portal.sealer.seal import open_connection
from tests.plugin import server_of_this_run
from tests.server import Child

PROJECT = UUID(int=1)
OTHER = UUID(int=2)
WRITE = """
    INSERT INTO ledger_entry (event_id, project, request, type, actor_ref, outcome, payload)
    VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
LEAVES = """
    SELECT leaf.index, leaf.entry, leaf.project, leaf.number, leaf.hash, entry.at, entry.payload
    FROM ledger_leaf AS leaf LEFT JOIN ledger_entry AS entry ON entry.id = leaf.entry
    ORDER BY leaf.index
"""


class Book(contextlib.ExitStack):
    """One database with a ledger."""

    def __init__(self, name: str, options: Options, server: Server | None = None) -> None:
        super().__init__()
        self.name = name
        self.options = options
        self.server = server or server_of_this_run()
        self.app = self.connect("countersign_app")

    def url(self, role: str = "countersign_app") -> str:
        """Where it is, for a role."""
        return self.server.url(role, self.name)

    def connect(self, role: str) -> "psycopg.Connection[Any]":
        """A connection of a role, committing each statement, until the test ends."""
        return self.enter_context(psycopg.connect(self.url(role), autocommit=True))

    def sealer(self, *arguments: str) -> Child:
        """The sealer's own process, not started yet; `arguments` in place of its module's name."""
        return Child(
            ["-m", *(arguments or ["portal.sealer"])],
            {
                "DATABASE_URL": self.options.database_url,
                "COUNTERSIGN_CHECKPOINT_KEY_FILE": str(self.options.key_file),
            },
        )

    def sealing(self) -> "psycopg.Connection[Any]":
        """A connection as the sealer opens it."""
        return self.enter_context(open_connection(self.options.database_url))

    def log(self) -> Log:
        """The log on a connection of its own, as a sealer that starts now has it."""
        return Log(self.sealing(), self.options.origin)

    def seal(self, *, new: bool = False) -> int:
        """All three steps, as one sealer's only round; how many entries it sealed.

        `new`: the first time under another name or key.
        """
        with open_connection(self.options.database_url) as connection:
            log = Log(connection, self.options.origin)
            signers = signers_of(self.options.key_file, log.origin, connection, new=new)
            count = log.append()
            sign_checkpoints(connection, signers)
            publish_checkpoints(connection)
        return count

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """What a statement gives to the application."""
        return self.app.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> Any:
        """The one value of a statement."""
        ((found,),) = self.rows(statement, *values)
        return found

    def superuser(self, *statements: str) -> None:
        """Do what only a superuser can: no trigger stands in the way."""
        with psycopg.connect(self.url("postgres")) as connection:
            connection.execute("SET session_replication_role = replica")
            for table in ("ledger_entry", *TABLES, *ANCHORS):
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            for statement in statements:
                connection.execute(statement)


def write(connection: Any, count: int = 1, project: UUID | None = PROJECT, text: str = "k") -> int:
    """Write entries; the id of the last one."""
    for number in range(count):
        made = new_entry(
            "key.created", actor=SYSTEM, project=project, object={"id": f"{text}{number}"}
        )
        last = _insert(connection, made)
    return last


def write_history(connection: Any, request: UUID, count: int) -> list[int]:
    """Write entries of a request that follow each other; their ids."""
    ids, prev = [], None
    for seq in range(1, count + 1):
        made = new_entry(
            "request.submitted", actor=SYSTEM, project=PROJECT, request=request,
            history={"seq": seq, "prev": prev},
        )  # fmt: skip
        ids.append(_insert(connection, made))
        prev = made.leaf.hex()
    return ids


def _insert(connection: Any, made: NewEntry) -> int:
    values = (made.event_id, made.project, made.request, made.type, made.actor_ref,
              made.outcome, made.payload)  # fmt: skip
    (found,) = connection.execute(WRITE, values).fetchone()
    return int(found)


def holds(book: Book, origin: str = "", keys: int = 1) -> int:
    """Assert what must be true after any life of a sealer; the size of the log.

    Every entry is sealed once, leaves follow each other, numbers count each project, and every
    checkpoint is the root of what it covers, signed by so many keys and published.
    """
    leaves = book.rows(LEAVES)
    assert [row[0] for row in leaves] == list(range(len(leaves)))
    assert sorted(row[1] for row in leaves) == [
        entry for (entry,) in book.rows("SELECT id FROM ledger_entry ORDER BY id")
    ]
    counted: Counter[UUID | None] = Counter()
    for _index, _entry, project, number, hashed, at, payload in leaves:
        counted[project] += 1
        assert number == counted[project]
        assert hashed == leaf_hash(leaf_bytes(at=at, payload=payload, number=number))
    checkpoints = book.rows(
        "SELECT c.size, c.root, s.key, s.note FROM ledger_checkpoint AS c "
        "LEFT JOIN ledger_signature AS s USING (size) ORDER BY c.size"
    )
    hashes = [row[4] for row in leaves]
    for size, root, key, note in checkpoints:
        assert root == root_of(hashes[:size])
        found = opened(note, [key_of(key)])
        assert (found.size, found.root, found.origin) == (size, root, origin or book.options.origin)
    sizes = sorted({row[0] for row in checkpoints})
    assert len(checkpoints) == keys * len(sizes)
    assert (sizes[-1] if sizes else 0) == len(leaves)
    published = book.rows("SELECT size FROM ledger_publication WHERE place = 'portal'")
    assert sorted(published) == [(size,) for size in sizes]
    return len(leaves)
