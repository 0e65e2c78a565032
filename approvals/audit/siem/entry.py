"""What the forms are given: an entry as it was sealed, and who sends it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class SealedEntry:
    """One entry: its index in the log, the bytes that were hashed there, and what they say."""

    index: int
    at: datetime
    leaf: bytes
    payload: dict[str, Any]

    @property
    def event_id(self) -> str:
        """What receivers know an entry by that comes twice."""
        return str(self.payload["id"])

    @property
    def type(self) -> str:
        """The event's name."""
        return str(self.payload["type"])


@dataclass(frozen=True)
class Sender:
    """`host` is the portal's own name, `log` the origin of its sealed log."""

    host: str
    version: str
    log: str
