"""How a log that begins anew names the one that it goes on from. Pure.

After a restore the leaves and their numbers stay, and only the name of the log changes: every
checkpoint under the new name carries one line more, which is signed and cosigned like the rest.
"""

import re
from base64 import b64encode
from binascii import a2b_base64
from dataclasses import dataclass

_LINE = re.compile(
    r"continues (?P<origin>[^\s+]+) (?P<size>[1-9][0-9]{0,18})( (?P<root>[A-Za-z0-9+/]{43}=))?\n"
)


@dataclass(frozen=True, slots=True)
class Anchored:
    """The newest checkpoint that is known outside of a log. A witness tells only its size."""

    origin: str
    size: int
    root: bytes | None = None

    @property
    def extension(self) -> str:
        """The line that checkpoints of the log after it carry."""
        root = f" {b64encode(self.root).decode()}" if self.root else ""
        return f"continues {self.origin} {self.size}{root}\n"


def continued(extension: str) -> Anchored | None:
    """What a log goes on from, by the extension of its checkpoints; None: it is the first."""
    found = _LINE.match(extension)
    if found is None:
        return None
    root = a2b_base64(found["root"]) if found["root"] else None
    return Anchored(found["origin"], int(found["size"]), root)
