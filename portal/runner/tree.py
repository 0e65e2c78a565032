"""One foreground tree of child processes: prefixed log, restarts, stop in reverse order."""

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from portal.runner.log import Log
from portal.runner.process import Command, Guarded, launch

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STEADY_SECONDS = 30.0  # a child that ran this long starts again with the first delay
TICK_SECONDS = 0.5
LAST_WORDS_SECONDS = 2.0
LONGEST_LINE = 16_384


class ChildFailed(Exception):
    """A child that had to end well, or had to stay up, did not."""


class StopRequested(BaseException):
    """Ctrl-C, a stop signal, or the end of the process that started the tree."""


@dataclass
class Child:
    """One process that has to be there all the time."""

    name: str
    command: Callable[[], Command]
    running: Guarded
    reader: threading.Thread
    started_at: float
    quick_ends: int = 0
    restart_at: float | None = None

    @property
    def alive(self) -> bool:
        return self.running.process.poll() is None

    def next_delay(self, now: float) -> float:
        """Seconds until the next start: doubles with each quick end."""
        self.quick_ends = 0 if now - self.started_at > STEADY_SECONDS else self.quick_ends + 1
        return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** max(0, self.quick_ends - 1))


class Tree:
    """Children in the order of their start.

    `held_open` are files (a lock) that stay open as long as any child lives. `with_parent`
    makes the end of the process that started us a request to stop.
    """

    def __init__(
        self, log: Log, *, held_open: Sequence[int] = (), with_parent: bool = False
    ) -> None:
        self._log = log
        self._held_open = held_open
        self._parent = os.getppid() if with_parent else None
        self._children: list[Child] = []
        self._ended: queue.SimpleQueue[tuple[Child, Guarded]] = queue.SimpleQueue()

    def start(self, name: str, command: Callable[[], Command]) -> Child:
        """Start a child, to be kept running.

        `command` is asked again at each restart, so it may tidy up first.
        """
        child = Child(name, command, *self._launch(name, command()), time.monotonic())
        self._children.append(child)
        self._watch(child)
        return child

    def run(self, name: str, command: Command, *, show: bool = True) -> list[str]:
        """Run a command to its end and give its output.

        Raises ChildFailed when it does not end with 0, or when a child of the tree ends
        meanwhile. With `show` (or on failure) the output goes to the log.
        """
        said: list[str] = []
        process, reader = self._launch(name, command, None if show else said)
        try:
            while (code := _ended(process)) is None:
                self.check()
        except BaseException:
            process.stop()
            raise
        reader.join(LAST_WORDS_SECONDS)
        if code:
            for line in said:
                self._log.line(name, line)
            raise ChildFailed(f"{name} {how_it_ended(code)}.")
        return said

    def supervise(self) -> None:
        """Restart what ends, until StopRequested."""
        while True:
            self.check_parent()
            with contextlib.suppress(queue.Empty):
                self._plan_restart(*self._ended.get(timeout=self._patience()))
            for child in self._children:
                if child.restart_at is not None and time.monotonic() >= child.restart_at:
                    child.restart_at = None
                    child.started_at = time.monotonic()
                    child.running, child.reader = self._launch(child.name, child.command())
                    self._watch(child)

    def check(self) -> None:
        """While setting up: raise ChildFailed when a child has ended."""
        self.check_parent()
        for child in self._children:
            if not child.alive:
                ending = how_it_ended(child.running.process.returncode)
                raise ChildFailed(f"{child.name} {ending} while Countersign was starting.")

    def check_parent(self) -> None:
        """Raise StopRequested when the process that started us is gone."""
        if self._parent is not None and os.getppid() != self._parent:
            self._parent = None
            raise StopRequested

    def stop(self) -> None:
        """Stop every child, the last started first; each has its own grace, then is killed."""
        for child in reversed(self._children):
            if not child.alive:
                continue
            begun = time.monotonic()
            child.running.stop()
            child.reader.join(LAST_WORDS_SECONDS)
            killed = time.monotonic() - begun >= child.running.grace
            self._log.say(f"{child.name} {'had to be killed' if killed else 'stopped'}")

    def _launch(
        self, name: str, command: Command, into: list[str] | None = None
    ) -> tuple[Guarded, threading.Thread]:
        """Start a command and copy its output into the log (or `into`) line by line."""
        process = launch(command, subprocess.PIPE, held_open=self._held_open)
        output = process.output

        def copy() -> None:
            with output:
                for raw in iter(lambda: output.readline(LONGEST_LINE), b""):
                    line = raw.decode(errors="replace").rstrip()
                    if into is None:
                        self._log.line(name, line)
                    else:
                        into.append(line)

        reader = threading.Thread(target=copy, daemon=True)
        reader.start()
        return process, reader

    def _watch(self, child: Child) -> None:
        process = child.running

        def announce_end() -> None:
            process.wait()
            self._ended.put((child, process))

        threading.Thread(target=announce_end, daemon=True).start()

    def _plan_restart(self, child: Child, ended: Guarded) -> None:
        now = time.monotonic()
        delay = child.next_delay(now)
        child.restart_at = now + delay
        ending = how_it_ended(ended.process.returncode)
        self._log.say(f"{child.name} {ending}; starting it again in {delay:g} s")

    def _patience(self) -> float:
        """Seconds to sleep before something is due."""
        due = [child.restart_at for child in self._children if child.restart_at is not None]
        return max(0.0, min([TICK_SECONDS, *(at - time.monotonic() for at in due)]))


def how_it_ended(code: int) -> str:
    """An exit code in words; 128 + n means signal n."""
    if code > 128:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(code - 128).name}"
    return f"ended with code {code}"


@contextmanager
def stop_signals() -> Iterator[None]:
    """Turn the first Ctrl-C, SIGTERM or SIGHUP into StopRequested and ignore the next ones.

    A SIGHUP that is ignored already (nohup) stays ignored.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise StopRequested

    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(process: Guarded) -> int | None:
    try:
        return process.wait(TICK_SECONDS)
    except subprocess.TimeoutExpired:
        return None
