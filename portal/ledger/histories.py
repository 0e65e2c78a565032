"""Whether entries of a request follow each other as they say: none left out before it was sealed.

Each says how many there are with it (`seq`) and names the one before by its hash (`prev`).
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from portal.ledger.chain import leaf_hash

MOST_HELD = 10_000  # requests; those in between are read again

# The payloads of a request's entries before one, the newest first.
Before = Callable[[str, int], list[bytes]]


class Histories:
    """Told of entries in the order of the log."""

    def __init__(self, before: Before) -> None:
        self._before = before
        self._last: dict[str, tuple[int, str]] = {}
        self.gaps = (
            False  # whether entries are archived, or missing anyway: they are not known then
        )

    def follows(self, entry: int, said: Mapping[str, Any], payload: bytes) -> bool:
        """Whether an entry follows the one before it; also where it is of no history."""
        seq, request = said.get("seq"), said.get("request")
        if not isinstance(seq, int) or request is None:
            return True
        last = self._last.pop(request, None)
        if last is None and seq > 1:
            last = self._read(request, entry)
        self._last[request] = (seq, leaf_hash(payload).hex())
        if len(self._last) > MOST_HELD:
            del self._last[next(iter(self._last))]
        if last is None or (self.gaps and last[0] < seq - 1):
            return self.gaps or (seq == 1 and said.get("prev") is None)
        return last == (seq - 1, said.get("prev"))

    def _read(self, request: str, entry: int) -> tuple[int, str] | None:
        for payload in self._before(request, entry):
            seq = orjson.loads(payload).get("seq")
            if isinstance(seq, int):
                return seq, leaf_hash(payload).hex()
        return None
