"""Checkpoints outside: each place gets them, and shows a database that was set back or forked."""

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import pytest

from portal.ledger.note import key_of, opened
from portal.ledger.verify import known_keys, verify_log
from portal.sealer.refusals import Contradicted, PlaceFailed, Unsafe
from portal.sealer.seal import go_on_anew
from tests.integration.sealing.book import write
from tests.integration.sealing.outside import Backup, Git, anchored, looked_at, started
from tests.witness import Witness

KINDS = ["git", "s3", "witness"]


@pytest.fixture(params=["git", "witness"])
def outside(request, tmp_path):
    """A place of each kind that can be asked what it knows."""
    if request.param == "git":
        yield Git(tmp_path / "anchors.git")
    elif request.param == "s3":
        yield request.getfixturevalue("bucket")
    else:
        with closing(Witness()) as witness:
            yield witness


@pytest.fixture
def sealed(sealed, outside):
    """Three entries, sealed; the place knows the key."""
    outside.trust(sealed.one("SELECT vkey FROM ledger_key"))
    return sealed


def held(book, outside):
    ((place, history),) = looked_at(book, outside.address)
    return place.check(history)


def root(book, size):
    return book.one("SELECT root FROM ledger_checkpoint WHERE size = %s", size)


@pytest.mark.parametrize("outside", KINDS, indirect=True)
def test_the_newest_checkpoint_is_left_there_once(sealed, outside):
    anchored(sealed, outside.address)
    anchored(sealed, outside.address)
    for count in (1, 2):
        write(sealed.app, count)
        sealed.seal()
    anchored(sealed, outside.address)
    found = held(sealed, outside)
    assert (found.size, found.root) == (6, root(sealed, 6))
    name = looked_at(sealed, outside.address)[0][0].name
    published = sealed.rows("SELECT size FROM ledger_publication WHERE place = %s ORDER BY 1", name)
    assert published == [(3,), (6,)]
    started(sealed, outside.address)


@pytest.mark.parametrize("outside", KINDS, indirect=True)
def test_a_database_that_was_set_back_is_refused(sealed, outside):
    backup = Backup(sealed)
    write(sealed.app)
    sealed.seal()
    anchored(sealed, outside.address)
    backup.restore()
    with pytest.raises(Contradicted, match=r"4 entries .* has sealed 3: it was set back"):
        started(sealed, outside.address)
    assert "set back" in sealed.one("SELECT problem FROM ledger_place ORDER BY number DESC LIMIT 1")
    with pytest.raises(Contradicted, match="set back"):
        anchored(sealed, outside.address)


def test_a_log_that_went_on_in_two_databases_is_refused(sealed, outside):
    backup = Backup(sealed)
    write(sealed.app, 2)
    sealed.seal()
    anchored(sealed, outside.address)
    backup.restore()
    for attempt in (started, anchored):
        write(sealed.app, 2, text="other")
        sealed.seal()
        with pytest.raises(Contradicted, match=r"5 entries .* does not fit the entries here"):
            attempt(sealed, outside.address)


@pytest.fixture
def set_back(sealed, outside):
    """Four entries were anchored, three are left."""
    backup = Backup(sealed)
    write(sealed.app)
    sealed.seal()
    anchored(sealed, outside.address)
    backup.restore()
    return sealed


def go_on(book, outside, origin="countersign.example/log/2"):
    options = replace(book.options, origin=origin, anchors=(outside.address,))
    return go_on_anew(options)


def test_a_new_log_goes_on_and_names_the_old_one(set_back, outside):
    assert "goes on from countersign.example/log/1 at 4 entries" in go_on(set_back, outside)
    write(set_back.app, 2)
    started_anew(set_back, outside)
    (note,) = set_back.rows("SELECT note FROM ledger_signature WHERE size = 5")[0]
    vkeys = known_keys(set_back.app)
    checkpoint = opened(note, map(key_of, vkeys))
    assert checkpoint.origin == "countersign.example/log/2"
    assert checkpoint.extension.startswith("continues countersign.example/log/1 4")
    assert [key.partition("+")[0][-1] for key in vkeys] == ["1", "2"]
    result = verify_log(set_back.connect("countersign_app"), vkeys)
    assert (result.findings, result.size) == ([], 5)


def started_anew(book, outside):
    """Seal under the new name and leave that outside."""
    book.seal(new=True)
    outside.trust(book.rows("SELECT vkey FROM ledger_key ORDER BY at DESC")[0][0])
    anchored(book, outside.address)


def test_a_new_log_is_anchored_and_watched_like_the_old_one(set_back, outside):
    go_on(set_back, outside)
    started(set_back, outside.address)
    write(set_back.app)
    started_anew(set_back, outside)
    backup = Backup(set_back)
    started(set_back, outside.address)
    write(set_back.app)
    set_back.seal()
    anchored(set_back, outside.address)
    backup.restore()
    with pytest.raises(Contradicted, match=r"5 entries of countersign.example/log/2"):
        started(set_back, outside.address)


@pytest.mark.parametrize("outside", ["git", "s3"], indirect=True)
def test_the_old_log_does_not_go_on_beside_the_new_one(sealed, outside):
    backup = Backup(sealed)
    write(sealed.app)
    sealed.seal()
    anchored(sealed, outside.address)
    go_on(sealed, outside)
    write(sealed.app)
    started_anew(sealed, outside)
    backup.restore()
    with pytest.raises(Contradicted):
        started(sealed, outside.address)


@pytest.mark.parametrize("outside", ["git"], indirect=True)
def test_without_a_log_there_is_nothing_to_go_on_from(book, outside):
    with pytest.raises(Unsafe, match="no log to go on from"):
        go_on(book, outside)


def test_what_a_place_lost_is_noticed(sealed, outside):
    ((place, history),) = looked_at(sealed, outside.address)
    sealed.connect("countersign_sealer").execute(
        "INSERT INTO ledger_publication (size, place) VALUES (3, %s)", [place.name]
    )
    with pytest.raises(PlaceFailed, match=r"less than it (was given|signed)"):
        place.check(history)


@pytest.mark.parametrize("outside", ["git"], indirect=True)
def test_the_command_says_what_happened_and_what_to_do(set_back, outside):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "portal.sealer", *arguments],
            env={
                **os.environ,
                "DATABASE_URL": set_back.options.database_url,
                "COUNTERSIGN_CHECKPOINT_KEY_FILE": str(set_back.options.key_file),
                "COUNTERSIGN_URL": "https://countersign.example",
                "COUNTERSIGN_ANCHORS": outside.address,
            },
            stderr=subprocess.PIPE,
            text=True,
        )

    refused = run()
    assert refused.returncode == 78
    assert "it was set back to an earlier state, or is an old copy" in refused.stderr
    assert "python -m portal.sealer --new-origin" in refused.stderr
    begun = run("--new-origin")
    assert begun.returncode == 0
    assert "goes on from countersign.example/log/1 at 4 entries" in begun.stderr
