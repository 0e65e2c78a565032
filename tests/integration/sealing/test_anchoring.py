"""The thread that leaves checkpoints outside: it delays nobody, and stops the sealer in time."""

import threading
from dataclasses import replace

import pytest

from portal.ledger.origins import Anchored
from portal.sealer import anchoring
from portal.sealer.anchoring import hear_places
from portal.sealer.history import forked
from portal.sealer.refusals import Contradicted, PlaceFailed
from portal.sealer.seal import seal
from tests.integration.sealing.book import holds, write
from tests.integration.sealing.outside import looked_at
from tests.server import eventually

NEWEST = "SELECT max(size) FROM ledger_publication WHERE place = %s"
PROBLEMS = "SELECT problem FROM ledger_place WHERE place = %s ORDER BY number"


class Place:
    """A place that does what the test says; `asked` counts."""

    readable = True
    pause = 0.0

    def __init__(self, name, does=lambda asked: None):
        self.name, self.asked, self._does = name, 0, does

    def check(self, history):
        self.asked += 1
        return self._does(self.asked)

    def anchor(self, signed, history):
        self.asked += 1
        self._does(self.asked)


class Mailbox(Place):
    """Cannot be read."""

    readable = False


def fails(_asked):
    raise PlaceFailed("is closed")


def contradicts(_asked):
    raise forked("the fork", Anchored("countersign.example/log/1", 3))


@pytest.fixture
def running(book, monkeypatch):
    """The sealer in a thread, with given places; `stop` ends it and gives what it raised."""
    threads = []

    class Running:
        def start(self, *places):
            monkeypatch.setattr("portal.sealer.seal.places_of", lambda _addresses: places)
            monkeypatch.setattr("portal.sealer.seal.PAUSE", 0.02)
            self._ended, self.raised = threading.Event(), None
            self._thread = threading.Thread(target=self._seal, args=[book.sealing()])
            self._thread.start()
            threads.append(self)

        def _seal(self, connection):
            options = replace(book.options, anchor_seconds=0.05)
            try:
                seal(connection, options, rounds=lambda: not self._ended.is_set())
            except Contradicted as refusal:
                self.raised = refusal

        def stop(self):
            self._ended.set()
            self._thread.join(10)

        @property
        def alive(self):
            return self._thread.is_alive()

    found = Running()
    yield found
    found.stop()


def test_a_place_that_hangs_delays_neither_sealing_nor_publishing(book, running):
    hangs = threading.Event()
    mail = Mailbox("mail", lambda _asked: hangs.wait(30))
    running.start(mail)
    write(book.app)
    eventually(lambda: mail.asked, "it is given the first checkpoint")
    for size in (2, 3):
        write(book.app)
        published = "SELECT max(size) FROM ledger_publication WHERE place = 'portal'"
        eventually(lambda: book.one(published) == size, "the next is sealed and given out")  # noqa: B023
    hangs.set()
    eventually(lambda: book.one(NEWEST, "mail") == 3, "it gets the newest at last")
    running.stop()
    assert holds(book) == 3


def test_a_place_that_fails_is_noted_and_the_others_get_theirs(book, running):
    def recovers(asked):
        if asked == 1:
            fails(asked)
        if asked == 2:
            raise ZeroDivisionError

    bad, good = Mailbox("bad", recovers), Mailbox("good")
    running.start(bad, good)
    write(book.app)
    eventually(lambda: book.one(NEWEST, "bad") == 1, "it is asked again")
    running.stop()
    assert book.one(NEWEST, "good") == 1
    unforeseen = "failed in a way that is not foreseen: ZeroDivisionError"
    assert book.rows(PROBLEMS, "bad") == [("is closed",), (unforeseen,), ("",)]
    assert book.rows(PROBLEMS, "good") == [("",)]


def test_a_contradiction_stops_the_sealer(book, running):
    running.start(Mailbox("fork", contradicts))
    write(book.app)
    eventually(lambda: not running.alive, "the sealer ends")
    assert "--new-origin" in str(running.raised)
    assert "does not fit the entries here" in book.rows(PROBLEMS, "fork")[0][0]


def test_nothing_is_sealed_until_a_readable_place_has_agreed(book):
    ((_, history),) = looked_at(book, "git+file:///none")
    slept = []
    late = Place("late", lambda asked: fails(asked) if asked < 3 else None)
    never = Place("never", fails)
    hear_places([late, never, Mailbox("mail", fails)], history, slept.append)
    assert slept == [anchoring.FIRST_PAUSE, 2 * anchoring.FIRST_PAUSE]
    assert book.rows(PROBLEMS, "late") == [("is closed",), ("",)]
    assert book.rows(PROBLEMS, "never") == [("is closed",)]
    assert book.rows(PROBLEMS, "mail") == []


def test_all_places_are_asked_also_when_the_first_agrees(book):
    ((_, history),) = looked_at(book, "git+file:///none")
    with pytest.raises(Contradicted):
        hear_places([Place("fine"), Place("fork", contradicts)], history)
