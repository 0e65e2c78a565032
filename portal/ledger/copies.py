"""The columns of an entry that repeat its payload, so that queries need not open it. Pure."""

from collections.abc import Mapping
from typing import Any

COPIES = ("event_id", "type", "project", "request", "outcome", "actor_ref")
_SAID = ("id", "type", "project", "request", "outcome")


def copies_of(said: Mapping[str, Any]) -> list[str | None]:
    """What the columns must say, in the order of COPIES, by the parsed payload."""
    return [*(said.get(name) for name in _SAID), said.get("actor", {}).get("ref")]
