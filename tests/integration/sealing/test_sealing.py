"""The sealer's three steps: whenever it is killed, the next one goes on without a gap."""

import psycopg
import pytest

from portal.ledger.note import sign
from portal.ledger.tree import TILE_WIDTH
from portal.sealer.key import KeyRefused, signers_of
from portal.sealer.publish import publish_checkpoints, sign_checkpoints
from portal.sealer.refusals import Unsafe
from portal.sealer.seal import open_connection, refuse_to_forget, seal, wait_for_lock
from tests.integration.sealing.book import OTHER, PROJECT, holds, write


def test_entries_are_numbered_by_project_and_sealed_once(book):
    for project in (PROJECT, OTHER, None, PROJECT, None):
        write(book.app, 1, project)
    assert book.seal() == 5
    assert book.seal() == 0
    write(book.app, 2)
    assert book.seal() == 2
    assert holds(book) == 7
    numbers = book.rows("SELECT number FROM ledger_leaf ORDER BY index")
    assert [number for (number,) in numbers] == [1, 1, 1, 2, 2, 3, 4]


def test_nothing_new_makes_no_checkpoint(book):
    assert book.seal() == 0
    write(book.app)
    log = book.log()
    assert (log.append(), log.append(), log.append()) == (1, 0, 0)
    assert book.one("SELECT count(*) FROM ledger_checkpoint") == 1


def test_full_tiles_come_about_in_batches_of_every_size(book):
    for count in (1, TILE_WIDTH - 2, 1, 1, 2 * TILE_WIDTH):
        with book.app.transaction():
            write(book.app, count)
        book.seal()
    assert holds(book) == 3 * TILE_WIDTH + 1
    tiles = book.rows("SELECT level, index FROM ledger_tile ORDER BY 1, 2")
    assert tiles == [(0, 0), (0, 1), (0, 2)]


def _before_append(book, patch):
    pass


def _within_append(book, patch):
    log = book.log()
    patch.setattr(log, "_store", _then_kill(book, log._connection, log._store))
    with pytest.raises(psycopg.OperationalError):
        log.append()


def _after_append(book, patch):
    book.log().append()


def _within_signing(book, patch):
    log, connection = book.log(), book.sealing()
    log.append()
    signers = signers_of(book.options.key_file, log.origin, connection, new=False)
    patch.setattr("portal.sealer.publish.sign", _then_kill(book, connection, sign))
    with pytest.raises(psycopg.OperationalError):
        sign_checkpoints(connection, signers)


def _after_signing(book, patch):
    log, connection = book.log(), book.sealing()
    log.append()
    signers = signers_of(book.options.key_file, log.origin, connection, new=False)
    assert sign_checkpoints(connection, signers) == 1


def _after_publishing(book, patch):
    _after_signing(book, patch)
    publish_checkpoints(book.sealing())


def _then_kill(book, connection, step):
    """`step`, and then the database sees what a kill -9 looks like: the connection is gone."""

    def wrapped(*arguments):
        found = step(*arguments)
        pid = connection.info.backend_pid
        book.connect("postgres").execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return found

    return wrapped


@pytest.mark.parametrize(
    "killed",
    [_before_append, _within_append, _after_append, _within_signing, _after_signing,
     _after_publishing],
)  # fmt: skip
def test_the_next_sealer_goes_on_where_the_killed_one_stood(book, killed):
    write(book.app, 3)
    with pytest.MonkeyPatch.context() as patch:
        killed(book, patch)
    write(book.app, 2)
    rounds = iter([True, True, False])
    with open_connection(book.options.database_url) as connection:
        seal(connection, book.options, rounds=lambda: next(rounds))
    assert holds(book) == 5
    sizes = [size for (size,) in book.rows("SELECT size FROM ledger_checkpoint ORDER BY size")]
    assert sizes == ([5] if killed in (_before_append, _within_append) else [3, 5])


def test_a_second_sealer_waits_until_the_first_is_gone(book):
    first, second = book.sealing(), book.sealing()
    wait_for_lock(first)
    asked = []

    def give_way(_seconds):
        asked.append(1)
        first.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("portal.sealer.seal.time.sleep", give_way)
        wait_for_lock(second)
    assert asked


def test_a_database_that_forgets_is_refused(book):
    connection = book.sealing()
    refuse_to_forget(connection)
    connection.execute("SET synchronous_commit = off")
    with pytest.raises(Unsafe, match="countersign_sealer SET synchronous_commit = on"):
        refuse_to_forget(connection)


def test_the_key_is_made_once_and_for_the_sealer_alone(book):
    write(book.app)
    book.seal()
    path = book.options.key_file
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    write(book.app)
    book.seal()
    assert path.read_bytes() == before
    assert book.one("SELECT count(*) FROM ledger_key") == 1


def test_a_key_that_others_can_read_is_refused(book):
    write(book.app)
    book.seal()
    book.options.key_file.chmod(0o640)
    with pytest.raises(KeyRefused, match="chmod 600"):
        book.seal()


def test_another_key_signs_only_when_that_is_meant(book):
    write(book.app)
    book.seal()
    book.options.key_file.unlink()
    with pytest.raises(KeyRefused, match="is missing, and this log was signed before"):
        book.seal()
    connection = book.sealing()
    origin = book.options.origin
    meant = signers_of(book.options.key_file, origin, connection, new=True)
    with pytest.raises(KeyRefused, match="never signed this log"):
        signers_of(book.options.key_file, origin, connection, new=False)
    write(book.app)
    book.log().append()
    sign_checkpoints(connection, meant)
    publish_checkpoints(connection)
    (known,) = signers_of(book.options.key_file, origin, connection, new=False)
    assert known.key == meant[0].key
    assert holds(book) == 2
