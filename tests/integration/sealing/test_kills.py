"""kill -9 of the sealer between its steps and of PostgreSQL under load: nothing is lost, every
checkpoint can be made again, and the log goes on without a gap."""

import signal

import pytest

from portal.kernel import key_files
from portal.ledger.tree import TILE_WIDTH
from portal.ledger.verify import known_keys, verify_log
from portal.sealer.key import new_pem
from portal.sealer.seal import open_connection, seal
from tests.integration.sealing.book import holds, write
from tests.integration.sealing.dying import POINTS
from tests.server import PATIENCE

COUNT = TILE_WIDTH + 4
KILLED = 128 + signal.SIGKILL


# Sizes of the checkpoints, keys that signed, sizes that are published, when it is dead.
LEFT = {
    "found": ([], 0, []),
    "stored": ([], 0, []),
    "appended": ([COUNT], 0, []),
    "signed by one key": ([COUNT], 0, []),
    "signed by both": ([COUNT], 0, []),
    "signed": ([COUNT], 2, []),
    "published": ([COUNT], 2, [COUNT]),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_sealer_killed_between_two_steps_leaves_a_log_that_goes_on(book, point):
    key_files.create(book.options.key_file, new_pem())
    key_files.rotate(book.options.key_file, new_pem())
    write(book.app, COUNT)
    dying = book.sealer("tests.integration.sealing.dying", point)
    try:
        dying.start()
        assert dying.running.wait(PATIENCE) == KILLED, dying.said
    finally:
        dying.stop()
    assert _left(book) == LEFT[point]
    write(book.app, 2)
    rounds = iter([True, False])
    with open_connection(book.options.database_url) as connection:
        seal(connection, book.options, rounds=lambda: next(rounds))
    origin = book.one("SELECT DISTINCT origin FROM ledger_checkpoint")
    assert holds(book, origin, keys=2) == COUNT + 2
    assert findings(book) == []


def _left(book):
    sizes = [size for (size,) in book.rows("SELECT size FROM ledger_checkpoint ORDER BY size")]
    published = [size for (size,) in book.rows("SELECT size FROM ledger_publication")]
    return sizes, book.one("SELECT count(*) FROM ledger_signature"), published


def findings(book):
    reader = book.connect("countersign_app")
    return verify_log(reader, known_keys(reader)).findings
