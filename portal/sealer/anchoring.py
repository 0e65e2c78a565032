"""Leaving checkpoints outside: a thread of its own, so that no place can hold sealing up."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psycopg

from portal.ledger.note import Signer
from portal.sealer.find import Connection
from portal.sealer.history import History
from portal.sealer.places.place import Place
from portal.sealer.refusals import Contradicted, PlaceFailed

log = logging.getLogger(__name__)

MOST_PAUSE = 900.0  # seconds until a place that fails is asked again
FIRST_PAUSE = 5.0
AWAY_PAUSE = 2.0
STOP_SECONDS = 1.0


def hear_places(
    places: Sequence[Place], history: History, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Return when one of the readable places, if there are any, has agreed with the database.

    Until then nothing is sealed: sealing late does no harm, a second history cannot be taken back.
    Raises Contradicted when one of them contradicts it.
    """
    readable = [place for place in places if place.readable]
    pause = FIRST_PAUSE
    while readable and not _any_agrees(readable, history):
        log.warning("nothing is sealed until a place outside answers; asks again in %g s", pause)
        sleep(pause)
        pause = min(2 * pause, MOST_PAUSE)


def anchor_newest(place: Place, history: History) -> None:
    """Leave the newest checkpoint at a place, unless it has that or had one a moment ago.

    Raises Contradicted, PlaceFailed.
    """
    signed, given = history.newest(), history.given(place.name)
    if signed and signed.checkpoint.size > given.size and given.seconds >= place.pause:
        cosignature = place.anchor(signed, history)
        history.published(place.name, signed.checkpoint.size, cosignature)


@dataclass
class _Turn:
    """When a place is asked next, on the monotonic clock, and how often it failed in a row."""

    place: Place
    due: float = 0.0
    failures: int = 0


class Anchoring:
    """While it is entered, every place gets the newest checkpoint each `seconds` seconds."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        places: Sequence[Place],
        seconds: float,
        origin: str,
        signers: Sequence[Signer],
    ) -> None:
        self._connect = connect
        self._seconds = seconds
        self._log = origin, signers
        self._turns = [_Turn(place) for place in places]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="anchoring", daemon=True)
        self._refusal: Contradicted | None = None

    def __enter__(self) -> Self:
        if self._turns:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._turns:
            self._thread.join(STOP_SECONDS)

    def require(self) -> None:
        """Raise Contradicted once a place has contradicted the database."""
        if self._refusal:
            raise self._refusal

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connect() as connection:
                    history = History(connection, *self._log)
                    while not self._stop.wait(self._round(history)):
                        pass
            except psycopg.Error as error:
                log.warning("anchoring begins again: %s", str(error).strip()[:300])
                self._stop.wait(AWAY_PAUSE)
            except Contradicted as refusal:
                self._refusal = refusal
                return

    def _round(self, history: History) -> float:
        """Ask whoever is due; the seconds until the next one is."""
        for turn in self._turns:
            if turn.due <= time.monotonic() and not self._stop.is_set():
                pause = self._ask(turn, history)
                turn.due = time.monotonic() + pause
        return max(0.0, min(turn.due for turn in self._turns) - time.monotonic())

    def _ask(self, turn: _Turn, history: History) -> float:
        """One attempt; the seconds until the next."""
        problem = _attempt(turn.place, history)
        if not problem:
            turn.failures = 0
            return self._seconds
        turn.failures += 1
        log.warning("%s %s", turn.place.name, problem)
        return min(self._seconds * 2.0**turn.failures, max(MOST_PAUSE, self._seconds))


def _any_agrees(places: Sequence[Place], history: History) -> bool:
    """Ask all of them, also when the first agrees: another one may know more."""
    answers = [_agrees(place, history) for place in places]
    return any(answers)


def _agrees(place: Place, history: History) -> bool:
    """Whether a place answered and does not contradict the database. Raises Contradicted."""
    try:
        place.check(history)
    except PlaceFailed as failure:
        log.warning("%s %s", place.name, failure)
        history.say(place.name, str(failure))
        return False
    except Contradicted as refusal:
        history.say(place.name, str(refusal))
        raise
    history.say(place.name, "")
    return True


def _attempt(place: Place, history: History) -> str:
    """What kept a checkpoint from being left at a place, or nothing. Raises Contradicted.

    Whatever a place does, others must get theirs.
    """
    try:
        anchor_newest(place, history)
        return ""
    except Contradicted as refusal:
        history.say(place.name, str(refusal))
        raise
    except psycopg.Error:
        raise
    except PlaceFailed as failure:
        problem = str(failure)
    except Exception as failure:
        log.exception("%s", place.name)
        problem = f"failed in a way that is not foreseen: {type(failure).__name__}"
    history.say(place.name, problem)
    return problem
