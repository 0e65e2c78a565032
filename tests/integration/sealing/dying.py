"""`python -m tests.integration.sealing.dying POINT`: the sealer, which dies by kill -9 at a point.

Nothing else of it is changed: each step of the real one is done, and then the process is no more.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from portal.sealer import append, find, publish, seal
from portal.sealer.__main__ import main

Step = Callable[..., Any]


def die(*_: object) -> None:
    """No handler, no cleaning up, no last words to the database."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying_after(step: Step, *, calls: int = 1) -> Step:
    """`step`, after which the process is no more when it found something to do the nth time."""
    left = calls

    def last(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        found = step(*arguments, **named)
        left -= found is None or bool(found)
        return found if left else die()

    return last


def found(*arguments: Any) -> Any:
    """The entries, all of them read."""
    return list(find.new_entries(*arguments))


# What each replaces, and how it dies; two keys sign each checkpoint.
POINTS: dict[str, tuple[Any, str, Step]] = {
    "found": (append, "new_entries", dying_after(found)),
    "stored": (append.Log, "_store", dying_after(append.Log._store)),
    "appended": (append.Log, "append", dying_after(append.Log.append)),
    "signed by one key": (publish, "sign", dying_after(publish.sign)),
    "signed by both": (publish, "sign", dying_after(publish.sign, calls=2)),
    "signed": (seal, "sign_checkpoints", dying_after(seal.sign_checkpoints)),
    "published": (seal, "publish_checkpoints", dying_after(seal.publish_checkpoints)),
}

if __name__ == "__main__":
    place, name, replacement = POINTS[sys.argv.pop()]
    with patch.object(place, name, replacement):
        main()
