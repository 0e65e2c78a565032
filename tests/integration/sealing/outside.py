"""Places outside for tests of anchoring: real ones on loopback, and a database that is set back."""

import subprocess
from dataclasses import replace

import pytest

from portal.ledger.anchor_sql import ANCHORS
from portal.ledger.seal_sql import TABLES
from portal.sealer.anchoring import anchor_newest
from portal.sealer.history import History
from portal.sealer.key import signers_of
from portal.sealer.places import places_of
from portal.sealer.refusals import PlaceFailed
from portal.sealer.seal import seal
from tests.integration.sealing.book import write

NOTE = "SELECT note FROM ledger_signature WHERE size = %s"


class Git:
    """A bare repository in a folder."""

    def __init__(self, folder):
        self.folder = folder
        subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
        self.address = f"git+file://{folder}#checkpoints"

    def git(self, *arguments, stdin=""):
        done = subprocess.run(
            ["git", "--git-dir", str(self.folder), "-c", "user.name=Dev",
             "-c", "user.email=dev@example.com", *arguments],
            input=stdin.encode(), capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout.decode()

    def commit(self, files):
        """What somebody else puts there."""
        rows = [
            f"100644 blob {self.git('hash-object', '-w', '--stdin', stdin=text).strip()}\t{name}\n"
            for name, text in files.items()
        ]
        tree = self.git("mktree", stdin="".join(rows)).strip()
        commit = self.git("commit-tree", tree, "-m", "Change").strip()
        self.git("update-ref", "refs/heads/checkpoints", commit)

    def notes(self):
        """What it was given, the oldest first."""
        commits = self.git("rev-list", "--reverse", "checkpoints").split()
        return [self.git("cat-file", "blob", f"{commit}:checkpoint") for commit in commits]

    def trust(self, vkey):
        """It takes what it is given."""


def anchored(book, *addresses):
    """Give each place the newest checkpoint, as the thread does it when they are due."""
    for place, history in looked_at(book, *addresses):
        anchor_newest(place, history)


def looked_at(book, *addresses):
    """Each place with what the database says, on a connection as the sealer has one."""
    connection, origin = book.sealing(), book.log().origin
    signers = signers_of(book.options.key_file, origin, connection, new=True)
    history = History(connection, origin, signers)
    return [(place, history) for place in places_of(addresses)]


def started(book, *addresses):
    """Start the sealer with these places and stop it before it seals."""
    with book.sealing() as connection:
        seal(connection, replace(book.options, anchors=addresses), rounds=lambda: False)


def refusal(book, address):
    """Why a place does not take the newest checkpoint."""
    with pytest.raises(PlaceFailed) as failure:
        anchored(book, address)
    return str(failure.value)


def seal_more(book):
    """One entry more, sealed."""
    write(book.app)
    book.seal()


class Backup:
    """What a test's database holds now. Rows are only ever added, so whatever was added later goes
    when it is set back."""

    def __init__(self, book):
        self._book = book
        self._snapshot = book.one("SELECT pg_current_snapshot()::text")

    def restore(self):
        """Set the database back."""
        gone = f"NOT pg_visible_in_snapshot(xmin::text::xid8, '{self._snapshot}')"
        tables = ("ledger_entry", *TABLES, *ANCHORS)
        self._book.superuser(*(f"DELETE FROM {table} WHERE {gone}" for table in tables))
