"""Lengths of time as the addresses of places write them."""

import re
from datetime import timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_WRITTEN = re.compile(r"([1-9][0-9]{0,5})([dhms])")


def duration(written: str) -> timedelta:
    """Of `400d`, `12h`, `30m`, `60s`. Raises ValueError."""
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise ValueError("a length of time is written as 400d, 12h, 30m or 60s")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
