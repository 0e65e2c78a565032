"""Why the sealer does not go on. Every message is for whoever runs it, and holds no secret."""

from portal.ledger.origins import Anchored


class WrongSetting(Exception):
    """A setting cannot be understood; the message says which and why."""


class Unsafe(Exception):
    """Going on would harm the log; the message says what to do."""


class PlaceFailed(Exception):
    """A place outside gave no usable answer; the words read on after its name."""


class Contradicted(Exception):
    """What stands outside and what stands in the database cannot both be true.

    `held` is the newest checkpoint outside.
    """

    def __init__(self, sentence: str, held: Anchored) -> None:
        super().__init__(f"{sentence} {_WHAT_TO_DO}")
        self.held = held


_WHAT_TO_DO = (
    "Nothing is sealed now; entries wait and none is lost. If the right database is elsewhere, "
    "connect to it. To go on from here, as a new log that names that one, run: "
    "python -m portal.sealer --new-origin"
)
