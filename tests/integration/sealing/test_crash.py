"""kill -9 of PostgreSQL while entries are written and sealed: what was acknowledged is there."""

import contextlib
import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest

from portal.runner.addresses import DATABASE
from portal.runner.cluster import prepare_cluster
from portal.runner.postgres import Server
from portal.runner.process import launch
from tests.integration.sealing.book import Book, holds, write
from tests.integration.sealing.conftest import LEDGER, sealer_options
from tests.integration.sealing.test_kills import findings
from tests.server import PATIENCE, eventually

WRITERS = 4


class Cluster:
    """A PostgreSQL of its own that keeps what it acknowledges, and can be killed."""

    def __init__(self, folder):
        self.cluster = prepare_cluster(folder, durable=True)
        self.server = Server(self.cluster.socket_directory)
        self.log = (folder / "server.log").open("ab")
        self.start()

    def start(self):
        self.cluster.forget_dead_server()
        self.running = launch(self.cluster.command(), self.log)
        self.server.wait_ready()

    def kill(self):
        """kill -9 of the server and all its backends at once."""
        os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait(PATIENCE)

    def close(self):
        """Nobody needs the data any more: without the time that an orderly end takes."""
        self.kill()
        self.log.close()


class Writers:
    """They write without a pause, whatever happens to the server, and note what it acknowledged."""

    def __init__(self, url):
        self.url = url
        self.acknowledged = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(WRITERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def _run(self):
        while not self.over.is_set():
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url) as one:
                while not self.over.is_set():
                    entry = write(one)
                    one.commit()
                    self.acknowledged.append(entry)
            time.sleep(0.05)


@pytest.fixture
def cluster():
    with tempfile.TemporaryDirectory(prefix="cst-crash-") as folder:
        Path(folder).chmod(0o711)  # the server may run as another user
        found = Cluster(Path(folder))
        found.server.prepare()
        with psycopg.connect(found.server.owner_url) as owner:
            owner.execute(LEDGER)
        yield found
        found.close()


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.long)])
def test_what_was_acknowledged_or_published_is_there_after_it_was_killed(cluster, tmp_path, kills):
    server, options = cluster.server, sealer_options(cluster.server, DATABASE, tmp_path)
    with Book(DATABASE, options, server) as book:
        sealer = book.sealer()
    given_out = set()
    try:
        sealer.start()
        with Writers(server.app_url) as writers:
            for _ in range(kills):
                _seals_again(server, given_out)
                cluster.kill()
                cluster.start()
            _seals_again(server, given_out)
        with Book(DATABASE, options, server) as book:
            count = book.one("SELECT count(*) FROM ledger_entry")
            eventually(
                lambda: book.rows("SELECT FROM ledger_publication WHERE size = %s", count),
                f"everything is sealed and published:\n{sealer.said}",
            )
    finally:
        sealer.kill()
        sealer.stop()
    with Book(DATABASE, options, server) as book:
        assert holds(book, book.one("SELECT DISTINCT origin FROM ledger_checkpoint")) == count
        assert findings(book) == []
        there = {entry for (entry,) in book.rows("SELECT entry FROM ledger_leaf")}
        assert set(writers.acknowledged) <= there
        assert given_out <= set(book.rows(GIVEN_OUT))
        assert len(given_out) > 2 * kills


GIVEN_OUT = """
    SELECT size, note FROM ledger_signature JOIN ledger_publication USING (size) ORDER BY size
"""


def _seals_again(server, given_out):
    """Return when two more checkpoints were given out, and note them as somebody outside would."""
    with psycopg.connect(server.app_url, autocommit=True) as reader:
        known = len(given_out)

        def more():
            given_out.update(reader.execute(GIVEN_OUT).fetchall())
            return len(given_out) >= known + 2

        eventually(more, "it seals again")
