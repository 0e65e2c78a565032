"""The entry that closes a bundle's range: that it is taken is recorded first, then sealed."""

from dataclasses import dataclass
from time import monotonic, sleep

from django.utils.translation import gettext as _

from portal.kernel.errors import Conflict
from portal.ledger.tiles import fetch

SECONDS = 10.0  # sealing takes one or two
PAUSE = 0.1

_SEALED = """
    SELECT leaf.index, leaf.number, (
        SELECT min(size) FROM ledger_publication WHERE place = 'portal' AND size > leaf.index)
    FROM ledger_leaf AS leaf WHERE leaf.entry = %s
"""


@dataclass(frozen=True)
class Closing:
    """Where the entry is, and the size of the first published checkpoint that covers it."""

    entry: int
    index: int
    number: int
    size: int


def wait_for_seal(entry: int) -> Closing:
    """The place of an entry that was just committed. Raises Conflict where nobody seals."""
    until = monotonic() + SECONDS
    while True:
        for index, number, size in fetch(_SEALED, [entry]):
            if size is not None:
                return Closing(entry, index, number, size)
        if monotonic() >= until:
            raise Conflict(
                _("The ledger is not being sealed: the sealer is away, or far behind. A bundle "
                  "needs the checkpoint that covers it. Look at the page Seal, and try again."),
                code="not-sealed",
            )  # fmt: skip
        sleep(PAUSE)
