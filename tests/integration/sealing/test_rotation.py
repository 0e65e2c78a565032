"""One checkpoint key follows another: who knows either can follow the log."""

import pytest

from portal.kernel.key_files import previous_of
from portal.ledger.note import BadNote, key_of, opened
from portal.sealer.key import KeyRefused
from portal.sealer.rotate import retire_previous, rotate
from portal.sealer.seal import open_connection, seal
from tests.integration.sealing.book import write

NOTES = "SELECT key, note FROM ledger_signature WHERE size = %s ORDER BY at, key"


def test_a_sealer_at_work_signs_with_both_until_the_previous_is_retired(book):
    signed = []

    def rounds():
        """What an administrator does between the rounds of a sealer that is never restarted."""
        if len(signed) == 1:
            rotate(book.options)
        if len(signed) == 2:
            retire_previous(book.options)
        signed.append({key for key, _ in book.rows(NOTES, len(signed))})
        write(book.app)
        return len(signed) < 4

    with open_connection(book.options.database_url) as connection:
        seal(connection, book.options, rounds=rounds)
    none, first, both, second = signed
    assert (len(none), len(first), len(both), len(second)) == (0, 1, 2, 1)
    assert first | second == both
    for key, note in book.rows(NOTES, 2):
        assert opened(note, [key_of(key)]).size == 2
    ((_, last),) = book.rows(NOTES, 3)
    with pytest.raises(BadNote, match="no known key"):
        opened(last, [key_of(*first)])


def test_the_previous_key_is_not_retired_before_others_could_follow(book):
    write(book.app)
    book.seal()
    with pytest.raises(KeyRefused, match="No rotation is under way"):
        retire_previous(book.options)
    rotate(book.options)
    with pytest.raises(KeyRefused, match="No checkpoint has both signatures yet"):
        retire_previous(book.options)
    with pytest.raises(KeyRefused, match="Retire the previous one first"):
        rotate(book.options)
    write(book.app)
    book.seal()
    retire_previous(book.options)
    assert not previous_of(book.options.key_file).exists()
    assert book.options.key_file.stat().st_mode & 0o777 == 0o600


def test_where_there_is_no_key_none_follows(book, monkeypatch):
    with pytest.raises(KeyRefused, match="is missing"):
        rotate(book.options)
    book.seal()
    monkeypatch.setattr("portal.sealer.rotate.os.geteuid", lambda: 12345)
    with pytest.raises(KeyRefused, match="another account"):
        rotate(book.options)


def test_a_sealer_goes_on_where_its_key_file_goes_away(book):
    def rounds():
        sizes = book.one("SELECT count(*) FROM ledger_signature")
        if sizes == 1:
            book.options.key_file.unlink()
        write(book.app)
        return sizes < 2

    with open_connection(book.options.database_url) as connection:
        seal(connection, book.options, rounds=rounds)
    assert book.one("SELECT count(DISTINCT key) FROM ledger_signature") == 1
