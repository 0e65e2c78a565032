"""What the sealer asks of a place outside that keeps checkpoints."""

from typing import Protocol

from portal.ledger.origins import Anchored
from portal.sealer.history import Cosignature, History, Signed


class Place(Protocol):
    """A place; `name` stands in the ledger's tables for ever, so it names no person, no secret.

    `readable`: it can tell what it holds. `pause`: the least seconds from one checkpoint to the
    next, where it wants more than the setting.
    """

    name: str
    readable: bool
    pause: float

    def check(self, history: History) -> Anchored | None:
        """Hold what is there against the log; the newest checkpoint there.

        Raises Contradicted, PlaceFailed.
        """

    def anchor(self, signed: Signed, history: History) -> Cosignature | None:
        """Leave a checkpoint there, unless what is there contradicts it.

        Raises Contradicted, PlaceFailed.
        """
