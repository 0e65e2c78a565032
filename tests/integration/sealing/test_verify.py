"""Verification says what a superuser did, who can do anything but sign."""

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.ledger.note import Checkpoint, Signer, sign
from portal.ledger.tree import TILE_WIDTH
from portal.ledger.verify import known_keys, verify_log
from tests.integration.sealing.book import OTHER, PROJECT, write, write_history

COUNT = TILE_WIDTH + 4
LAST = f"size = {COUNT}"


@pytest.fixture
def sealed(book):
    """A full tile and a bit, in two checkpoints of one key."""
    with book.app.transaction():
        write(book.app, TILE_WIDTH)
        write(book.app, 1, OTHER)
    book.seal()
    write(book.app, 3, None)
    book.seal()
    return book


def verified(book, *keys):
    reader = book.connect("countersign_app")
    return verify_log(reader, keys or known_keys(reader))


def test_what_nobody_touched_holds(sealed):
    write(sealed.app, 2)
    seen = []
    reader = sealed.connect("countersign_app")
    result = verify_log(reader, known_keys(reader), lambda *numbers: seen.append(numbers))
    assert (result.findings, result.more) == ([], 0)
    assert (result.size, result.signed_size, result.checkpoints) == (COUNT, COUNT, 2)
    assert result.unsealed == 2
    assert seen[-1] == (COUNT, COUNT)


def test_an_empty_ledger_holds(book):
    assert verified(book).findings == []


def test_a_checkpoint_that_waits_for_its_signature_is_no_finding(sealed):
    write(sealed.app)
    sealed.log().append()
    result = verified(sealed)
    assert result.findings == []
    assert (result.size, result.signed_size) == (COUNT + 1, COUNT)


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE ledger_entry SET payload = convert_to(replace(convert_from(payload, 'UTF8'), "
         "'k17\"', 'k71\"'), 'UTF8') WHERE id = 18", "Entry 18 (leaf 17) is not what was sealed"),
        ("UPDATE ledger_entry SET at = at + interval '1 second' WHERE id = 18",
         "Entry 18 (leaf 17) is not what was sealed"),
        ("DELETE FROM ledger_entry WHERE id = 18", "Entry 18 (leaf 17) is missing"),
        ("UPDATE ledger_entry SET actor_ref = 'somebody' WHERE id = 18",
         "Entry 18: columns differ from what was sealed (actor_ref)"),
        ("UPDATE ledger_entry SET type = 'x', outcome = 'y' WHERE id = 18",
         "Entry 18: columns differ from what was sealed (type, outcome)"),
        (f"UPDATE ledger_leaf SET project = '{UUID(int=9)}' WHERE index = 0",
         "Leaf 1 has number 2 of project 00000000-0000-0000-0000-000000000001, not 1"),
        ("UPDATE ledger_leaf SET hash = sha256('x') WHERE index = 17",
         f"The checkpoint of size {TILE_WIDTH + 1} does not fit the leaves"),
        ("DELETE FROM ledger_leaf WHERE index = 17", "Leaf 18 follows leaf 16"),
        (f"DELETE FROM ledger_leaf WHERE index = {COUNT - 1}",
         f"A checkpoint covers {COUNT} entries; {COUNT - 1} are there"),
        (f"DELETE FROM ledger_signature WHERE {LAST};"
         f"DELETE FROM ledger_publication WHERE {LAST}; DELETE FROM ledger_checkpoint WHERE {LAST}",
         "There are leaves behind the last checkpoint"),
        (f"UPDATE ledger_checkpoint SET root = sha256('x') WHERE {LAST}",
         f"The checkpoint of size {COUNT} does not fit the leaves"),
        (f"UPDATE ledger_checkpoint SET origin = 'other' WHERE {LAST}",
         f"The checkpoint of size {COUNT} is of another log"),
        (f"UPDATE ledger_signature SET note = replace(note, '{COUNT}', '9999') WHERE {LAST}",
         f"The note of the checkpoint of size {COUNT} is not valid"),
        (f"UPDATE ledger_signature SET note = (SELECT note FROM ledger_signature ORDER BY size "
         f"LIMIT 1) WHERE {LAST}", f"The note of the checkpoint of size {COUNT} says something"),
        ("DELETE FROM ledger_signature WHERE size < 260",
         f"The checkpoint of size {TILE_WIDTH + 1} has no signature"),
        ("UPDATE ledger_tile SET hashes = overlay(hashes placing '\\x00' from 9)",
         "Tile 0/0 differs from its leaves"),
        ("DELETE FROM ledger_tile", "Tile 0/0 is missing"),
        ("INSERT INTO ledger_tile SELECT 0, 1, hashes, root FROM ledger_tile",
         "2 full tiles are stored; the leaves make 1"),
    ],
)  # fmt: skip
def test_what_a_superuser_changes_is_told(sealed, statement, finding):
    sealed.superuser(*statement.split(";"))
    found = verified(sealed).findings
    assert any(sentence.startswith(finding) for sentence in found), found


def test_two_entries_that_change_places_are_told(sealed):
    sealed.superuser(
        "ALTER TABLE ledger_leaf DROP CONSTRAINT ledger_leaf_entry_key",
        "UPDATE ledger_leaf SET entry = CASE entry WHEN 5 THEN 6 ELSE 5 END WHERE entry IN (5, 6)",
    )
    assert verified(sealed).findings == [
        f"Entry {entry} (leaf {leaf}) is not what was sealed: time or content changed."
        for entry, leaf in ((6, 4), (5, 5))
    ]


def test_two_entries_that_change_their_payloads_are_told(sealed):
    sealed.superuser(
        "UPDATE ledger_entry AS here SET payload = there.payload FROM ledger_entry AS there "
        "WHERE (here.id, there.id) IN ((5, 6), (6, 5))"
    )
    assert verified(sealed).findings == [
        f"Entry {entry} (leaf {entry - 1}) is not what was sealed: time or content changed."
        for entry in (5, 6)
    ]


def test_an_entry_of_a_request_taken_out_before_it_was_sealed_is_told(book):
    """While the sealer is away a superuser could take out anything, but the next one names it."""
    first, other = (write_history(book.app, request, 4) for request in (UUID(int=7), UUID(int=8)))
    book.superuser(f"DELETE FROM ledger_entry WHERE id = {first[1]}")
    book.seal()
    assert verified(book).findings == [
        f"Entry {first[2]} (leaf 1) does not follow what its request had before."
    ]
    book.superuser(f"DELETE FROM ledger_entry WHERE id = {other[3]}")
    assert f"Entry {other[3]} (leaf 6) is missing." in verified(book).findings


OLD = """
    INSERT INTO ledger_entry (event_id, project, type, actor_ref, payload, at)
    SELECT gen_random_uuid(), project, type, actor_ref, payload, at - interval '1 day'
    FROM ledger_entry WHERE id = 18
"""


def test_an_entry_put_in_with_an_old_time_is_told_once_it_is_sealed(sealed):
    sealed.superuser(OLD)
    sealed.seal()
    found = verified(sealed).findings
    sentence = f"Entry {COUNT + 1} (leaf {COUNT}) was put in later than its time says."
    assert sentence in found
    assert all(str(COUNT + 1) in one for one in found)


def test_an_entry_put_in_past_the_sealer_is_told_before_and_after_it_is_sealed(sealed):
    """With a transaction's number from before the checkpoint, the sealer does not look at it."""
    with_number = OLD.replace("at)", "at, xid)").replace("FROM", ", xid FROM")
    sealed.superuser(with_number)
    assert sealed.seal() == 0
    assert verified(sealed).findings == [
        f"Entry {COUNT + 1} was put in past the sealer, or is kept from it."
    ]
    assert sealed.log().append(compare_all=True) == 1
    sentence = f"Entry {COUNT + 1} (leaf {COUNT}) was put in later than its time says."
    assert sentence in verified(sealed).findings


def test_a_log_rewritten_and_signed_by_another_key_fails_only_with_the_key_written_down(
    sealed, tmp_path
):
    """The strongest thing that is possible inside the database: all of it anew, consistently."""
    ours = known_keys(sealed.app)
    sealed.superuser(
        "DELETE FROM ledger_publication", "DELETE FROM ledger_signature",
        "DELETE FROM ledger_checkpoint", "DELETE FROM ledger_tile", "DELETE FROM ledger_leaf",
        "DELETE FROM ledger_key", "DELETE FROM ledger_entry WHERE id = 18",
    )  # fmt: skip
    sealed.options.key_file.unlink()
    sealed.seal()
    assert verified(sealed).findings == []
    assert verified(sealed, *ours).findings == [
        f"The checkpoint of size {COUNT - 1} is signed by none of the keys given."
    ]


def test_a_note_of_a_stranger_beside_ours_changes_nothing(sealed):
    ours = known_keys(sealed.app)
    stranger = Signer(sealed.options.origin, Ed25519PrivateKey.generate())
    note = sign(Checkpoint(sealed.options.origin, 1, b"x" * 32).text, stranger)
    sealed.superuser(
        f"INSERT INTO ledger_key (vkey) VALUES ('{stranger.key.vkey}')",
        f"INSERT INTO ledger_signature (size, key, note) "
        f"VALUES ({COUNT}, '{stranger.key.vkey}', '{note}')",
    )
    assert verified(sealed, *ours).findings == []
    assert len(verified(sealed).findings) == 1


def test_entries_that_were_sealed_far_from_their_place_are_found_without_holding_all(book):
    late = book.connect("countersign_app")
    with late.transaction():
        write(late, 700, PROJECT)
        write(book.app, 1)
        book.seal()
        assert verified(book).findings == []
    write(book.app, 2)
    book.seal()
    assert verified(book).findings == []
    book.superuser("DELETE FROM ledger_entry WHERE id = 3")
    assert verified(book).findings == ["Entry 3 (leaf 3) is missing."]
