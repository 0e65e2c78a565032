"""Sealing while others write: nothing is missed, nothing is sealed twice, no effect before its
cause."""

import json
import random
import threading
import time
from uuid import UUID, uuid4

import psycopg
import pytest

from portal.ledger.tiles import _LEAVES
from portal.sealer.append import Log
from portal.sealer.find import _ANY, _NEW
from portal.sealer.key import signers_of
from portal.sealer.publish import publish_checkpoints, sign_checkpoints
from tests.integration.sealing.book import WRITE, holds, write
from tests.server import PATIENCE, eventually

WRITERS = 12
PAUSES = [0] * 8 + [0.002] * 5 + [0.03] * 3 + [0.3]  # the longest last over many rounds of sealing


class Writers:
    """Twelve at once; each transaction stays open for a while after it wrote, or is taken back."""

    def __init__(self, book, *, seconds):
        self.url = book.url()
        self.until = time.monotonic() + seconds
        self.written = 0
        self.threads = [threading.Thread(target=self._run, args=[n]) for n in range(WRITERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            thread.join(30)

    @property
    def alive(self):
        return any(thread.is_alive() for thread in self.threads)

    def _run(self, seed):
        chance = random.Random(seed)
        with psycopg.connect(self.url) as connection:
            while time.monotonic() < self.until:
                request = uuid4()
                for first in (1, 3, 5):
                    self._write(connection, chance, request, first)

    def _write(self, connection, chance, request: UUID, first: int) -> None:
        """Two lines of a request's history in one transaction, after those before committed."""
        for seq in (first, first + 1):
            payload = json.dumps({"seq": seq}).encode()
            connection.execute(
                WRITE, (uuid4(), UUID(int=seq % 2), request, "key.created", "x", "", payload)
            )
            time.sleep(chance.choice(PAUSES))
        if chance.random() < 0.1:
            connection.rollback()
            return
        connection.commit()
        self.written += 2


def _causes_come_first(book) -> None:
    rows = book.rows(
        "SELECT entry.request, entry.payload FROM ledger_leaf AS leaf "
        "JOIN ledger_entry AS entry ON entry.id = leaf.entry "
        "WHERE entry.request IS NOT NULL ORDER BY leaf.index"
    )
    last: dict[UUID, int] = {}
    for request, payload in rows:
        seq = json.loads(payload)["seq"]
        assert seq > last.get(request, 0), "sealed before its cause"
        last[request] = seq


def test_twelve_writers_who_commit_late(book):
    connection = book.sealing()
    log = Log(connection, book.options.origin)
    signers = signers_of(book.options.key_file, log.origin, connection, new=False)
    with Writers(book, seconds=2.0) as writers:
        rounds = 0
        while writers.alive:
            rounds += log.append() > 0
        log.append()
    assert rounds > 3
    _causes_come_first(book)
    sign_checkpoints(connection, signers)
    publish_checkpoints(connection)
    assert holds(book) == book.one("SELECT count(*) FROM ledger_entry") >= writers.written
    assert book.log().append(compare_all=True) == 0, "comparing everything finds nothing more"


def test_a_transaction_open_for_long_is_sealed_when_it_commits_and_holds_nobody_up(book):
    log = book.log()
    late = book.connect("countersign_app")
    with late.transaction():
        write(late, 2, text="late")
        for _ in range(5):
            write(book.app, 3)
            assert log.append() == 3
    assert log.append() == 2


@pytest.mark.parametrize("known", [True, False])
def test_what_the_snapshot_cannot_tell_is_found_by_comparing(book, known):
    write(book.app, 3)
    book.log().append()
    book.superuser(
        # As after a restore into a cluster that has counted less far, or another one.
        "UPDATE ledger_checkpoint SET cluster = " + ("cluster" if known else "'another'"),
        "UPDATE ledger_checkpoint SET snapshot = '9000000:9000000:'",
    )
    write(book.app, 2)
    assert book.log().append() == (0 if known else 2)
    assert book.log().append(compare_all=True) == (2 if known else 0)


def _many(book, count):
    payload = "convert_to('{\"n\":' || n || '}', 'UTF8')"
    book.app.execute(
        "INSERT INTO ledger_entry (event_id, type, actor_ref, payload) SELECT gen_random_uuid(), "
        f"'key.created', 'x', {payload} FROM generate_series(1, {count}) AS n"
    )


def test_the_search_reads_what_is_new_and_not_the_ledger(book):
    _many(book, 30_000)
    log = book.log()
    assert log.append() == 30_000
    late = book.connect("countersign_app")
    with late.transaction():
        write(late)
        write(book.app, 20)
        log.append()
        write(book.app, 5)
        for statement in (_ANY, _NEW):
            plan = _plan(book.sealing(), statement, log._seen)
            assert "Seq Scan" not in json.dumps(plan)
            assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 150


def _plan(connection, statement, seen):
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
    return connection.execute(explain, {"seen": seen}).fetchone()[0][0]["Plan"]


def _begins(sealer, times):
    """Return when it has the lock for so many times; until its predecessor's is gone it waits."""
    eventually(lambda: sealer.said.count("entries sealed; key") == times, "it seals again")


def test_killed_again_and_again_under_load_it_seals_everything_once(book):
    sealer, moments = book.sealer(), random.Random(7)
    sizes = [0]

    def size():
        return book.one("SELECT coalesce(max(size), 0) FROM ledger_checkpoint")

    try:
        with Writers(book, seconds=PATIENCE) as writers:
            for number in range(1, 6):
                sealer.start()
                _begins(sealer, number)
                if number % 2:  # on a busy host a moment may be too short for anything
                    eventually(lambda: size() > sizes[-1], "it seals something")
                time.sleep(moments.uniform(0, 0.5))
                sealer.kill()
                sizes.append(size())
            writers.until = 0.0
        sealer.start()
        count = book.one("SELECT count(*) FROM ledger_entry")
        eventually(
            lambda: book.rows("SELECT FROM ledger_publication WHERE size = %s", count),
            "everything is sealed and published",
        )
    finally:
        sealer.kill()
        sealer.stop()
    assert len(set(sizes)) > 2, sizes
    origin = book.one("SELECT DISTINCT origin FROM ledger_checkpoint")
    assert holds(book, origin) == count >= writers.written
    _causes_come_first(book)


def test_the_entries_of_leaves_are_looked_up_however_old_the_statistics_are(book):
    _many(book, 30_000)
    book.seal()
    for first, end in ((17, 18), (256, 512)):
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {_LEAVES}"
        plan = book.app.execute(explain, [first, end]).fetchone()[0][0]["Plan"]
        assert "Seq Scan" not in json.dumps(plan)
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 60 * (end - first)
