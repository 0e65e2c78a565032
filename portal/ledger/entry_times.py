"""Whether an entry was written when it says, as far as the database's transactions tell. Pure.

Nobody but a superuser chooses the time of an entry. A transaction that was not open when a
checkpoint was made began after everything under it: what it wrote cannot be older than that.
"""

from datetime import datetime, timedelta

CLOCK_STEP = timedelta(minutes=10)  # so far the database's clock may have been set back


class EntryTimes:
    """Told of entries and checkpoints in the order of the log."""

    def __init__(self) -> None:
        self._newest: datetime | None = None
        self._floor: datetime | None = None
        self._snapshot: list[str] = []
        self._cluster = ""

    def is_older(self, at: datetime, xid: bytes) -> bool:
        """Whether the next entry is older than what was sealed before its transaction began.

        `xid` is its transaction, as the database sends it in binary.
        """
        if self._newest is None or at > self._newest:
            self._newest = at
        return self._floor is not None and at < self._floor and not self._was_open(_number(xid))

    def checkpoint(self, at: datetime, snapshot: str, cluster: str) -> None:
        """The entries so far stand under a checkpoint that was made `at`.

        `snapshot` is what the database showed then, xmin:xmax:xip,... of this cluster. An entry
        with a time in the future does not make those after it too old.
        """
        if self._newest is not None:
            self._floor = min(self._newest, at) - CLOCK_STEP
        self._snapshot, self._cluster = snapshot.split(":"), cluster

    def was_there(self, xid: bytes, cluster: str) -> bool:
        """Whether the last checkpoint could have covered an entry of this transaction."""
        if cluster != self._cluster or len(self._snapshot) != 3:
            return False
        number, end = _number(xid), self._snapshot[1]
        return end.isdecimal() and number < int(end) and not self._was_open(number)

    def _was_open(self, xid: int) -> bool:
        return str(xid) in self._snapshot[-1].split(",")


def _number(xid: bytes) -> int:
    return int.from_bytes(xid, "big")
