"""Beginning a new log after a restore: it keeps the leaves, and names the log it goes on from."""

from collections.abc import Sequence

from portal.ledger.origins import Anchored
from portal.sealer.history import History
from portal.sealer.places.place import Place
from portal.sealer.refusals import Contradicted, PlaceFailed, Unsafe


def begin_origin(history: History, places: Sequence[Place], origin: str) -> Anchored:
    """Call the log `origin` from its next checkpoint on; what it goes on from.

    That is the newest checkpoint outside, or of the database where nothing stands outside. Raises
    Unsafe when there is neither, and when a readable place does not answer: then nobody knows which
    is the newest.
    """
    readable = [place for place in places if place.readable]
    held = [found for place in readable if (found := _held(place, history))]
    ours = [one for one in held if one.origin == history.origin]
    last = history.last()
    known = ours or ([last] if last else held)
    if not known:
        raise Unsafe("There is no log to go on from: the sealer begins one when it starts.")
    before = max(known, key=lambda one: one.size)
    history.begin(origin, before)
    return before


def _held(place: Place, history: History) -> Anchored | None:
    """The newest checkpoint there, whether or not it fits."""
    try:
        return place.check(history)
    except Contradicted as refusal:
        return refusal.held
    except PlaceFailed as failure:
        raise Unsafe(
            f"{place.name} {failure}. A new log names the newest checkpoint outside, so each place "
            "that can be read must answer. Try again, or take it out of COUNTERSIGN_ANCHORS."
        ) from failure
