"""The processes that share the work of one backtest, each fed and asked through its own pipe."""

import os
import subprocess
import sys
from types import TracebackType
from typing import IO, Any

from django.conf import settings

from policies.replaying import answer

MOST = 2
WORTH_IT = 2_000  # requests; for fewer, starting a process takes longer than the work
COMMAND = (sys.executable, "-m", "policies.replaying")
PATIENCE = 10.0  # seconds


class Crew:
    """Answers parts in the order they were sent. Without processes, in this one.

    Their input ends with this process however it ends, and then so do they.
    """

    def __init__(self, requests: int) -> None:
        wanted = min(MOST, os.cpu_count() or 1) if requests > WORTH_IT else 0
        self._processes = [_start() for _ in range(wanted)]
        self._here: list[bytes] = []

    @property
    def size(self) -> int:
        """How many parts are worked on at the same time."""
        return len(self._processes) or 1

    def send(self, parts: list[bytes]) -> None:
        """At most `size` parts; nothing may be unanswered."""
        self._here = parts
        for process, part in zip(self._processes, parts, strict=False):
            stream = _stream(process.stdin)
            stream.write(part + b"\n")
            stream.flush()

    def receive(self) -> list[bytes]:
        """The answers. Raises RuntimeError when a process ended."""
        if not self._processes:
            return [answer(part) for part in self._here]
        return [_read(process) for process, _part in zip(self._processes, self._here, strict=False)]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.kill()  # it holds nothing: what is not stored is done again
        for process in self._processes:
            process.communicate(timeout=PATIENCE)


def _start() -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    return subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, cwd=settings.BASE_DIR)


def _stream(stream: IO[bytes] | None) -> Any:
    if stream is None:
        raise RuntimeError("a process without pipes")
    return stream


def _read(process: "subprocess.Popen[bytes]") -> bytes:
    line: bytes = _stream(process.stdout).readline()
    if not line:
        raise RuntimeError("a process that replays requests ended by itself")
    return line
