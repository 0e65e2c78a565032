"""The bytes that the log hashes for an entry. Pure.

Time and number are not in the payload, because the database and the sealer give them: the leaf
binds all three. It is canonical JSON on one line, so that a file of leaves is JSON Lines.
"""

import re
from datetime import datetime

from portal.kernel.clock import rfc3339

_LEAF = re.compile(rb'\{"at":"([^"]+)","entry":(\{.*\}),"number":([1-9][0-9]{0,18})\}')


def leaf_bytes(*, at: datetime, payload: bytes, number: int) -> bytes:
    """The leaf of an entry: when the database took it, its payload as it is, its number.

    `number` counts the entries of its project from 1; entries of no project are counted together.
    """
    return b'{"at":"%s","entry":%s,"number":%d}' % (rfc3339(at).encode(), payload, number)


def leaf_parts(leaf: bytes) -> tuple[datetime, bytes, int]:
    """Time, payload and number that a leaf was made of. Raises ValueError where it is none."""
    found = _LEAF.fullmatch(leaf)
    if found is None:
        raise ValueError("not a leaf")
    at, payload, number = found.groups()
    return datetime.fromisoformat(at.decode()), payload, int(number)
