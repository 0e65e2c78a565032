"""The columns of an entry that repeat its payload, so that queries need not open it. Pure."""

import orjson

COPIES = ("event_id", "type", "project", "request", "outcome", "actor_ref")
_SAID = ("id", "type", "project", "request", "outcome")


def copies_of(payload: bytes) -> list[str | None]:
    """What the columns must say, in the order of COPIES. Raises ValueError for what is no JSON."""
    said = orjson.loads(payload)
    return [*(said.get(name) for name in _SAID), said.get("actor", {}).get("ref")]
