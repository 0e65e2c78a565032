"""The log of the tree: one line at a time, each with the name of its child."""

import os
import re
import sys
import threading
from typing import TextIO

NAME_WIDTH = 8
COLOURS = (36, 35, 33, 32, 34, 96)
OWN_NAME = "run"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


class Log:
    """Writes whole lines from many threads; in colour only on a terminal."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._colour = stream.isatty() and not os.environ.get("NO_COLOR")
        self._names: list[str] = [OWN_NAME]

    def say(self, text: str) -> None:
        """A line of the runner itself."""
        self.line(OWN_NAME, text)

    def line(self, name: str, text: str) -> None:
        """A line of one child; control characters in it never reach the terminal."""
        if name not in self._names:
            self._names.append(name)
        prefix = f"{name:<{NAME_WIDTH}} |"
        if self._colour:
            colour = COLOURS[self._names.index(name) % len(COLOURS)]
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self.plain(f"{prefix} {_CONTROL.sub('?', text)}")

    def plain(self, text: str) -> None:
        """A line without a name. When nobody reads any more, the line is dropped."""
        with self._lock:
            try:
                self._stream.write(f"{text}\n")
                self._stream.flush()
            except (BrokenPipeError, OSError):
                self._stream = open(os.devnull, "w")  # noqa: SIM115, PTH123 (for the rest of the run)
