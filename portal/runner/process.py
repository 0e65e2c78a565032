"""Starts a command under a guard, so that it never outlives the process that started it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from portal.runner.account import Account

GUARD = Path(__file__).with_name("guard.py")
GRACE_SECONDS = 8.0
START_SECONDS = 10.0


@dataclass(frozen=True)
class Command:
    """What to run and how to stop it."""

    arguments: Sequence[str | Path]
    environment: Mapping[str, str]
    directory: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = GRACE_SECONDS
    account: Account | None = None


@dataclass
class Guarded:
    """A running command: `pid` is the command's own, `process` is its guard."""

    process: "subprocess.Popen[bytes]"
    link: socket.socket
    pid: int
    grace: float

    @property
    def output(self) -> IO[bytes]:
        """What the command says; only when it was launched with a pipe."""
        if self.process.stdout is None:
            raise ValueError("launched without a pipe")
        return self.process.stdout

    def begin_stop(self) -> None:
        """Ask the guard to stop the command; returns at once."""
        self.link.close()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit code is 128 + n for signal n."""
        code = self.process.wait(timeout)
        self.link.close()
        if code < 0 and self.pid:
            _kill_group(self.pid)  # the guard itself was killed: its child must not live on
        return code

    def stop(self, timeout: float | None = None) -> int:
        """Stop the command and wait for its end."""
        self.begin_stop()
        return self.wait(timeout)


def launch(
    command: Command,
    output: "int | IO[bytes] | None" = None,
    *,
    held_open: Sequence[int] = (),
) -> Guarded:
    """Start `command`; its output and errors both go to `output` (inherited when None).

    The guard keeps the files `held_open` as long as the command runs.
    """
    ours, theirs = socket.socketpair()
    account = command.account
    with theirs:
        process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                str(GUARD),
                str(int(command.stop_signal)),
                str(command.grace),
                f"{account.uid}:{account.gid}" if account else "",
                *map(str, command.arguments),
            ],
            stdin=theirs.fileno(),
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            env=dict(command.environment),
            cwd=command.directory,
            start_new_session=True,
            pass_fds=held_open,
        )
    ours.settimeout(START_SECONDS)
    return Guarded(process, ours, _read_pid(ours), command.grace)


def _read_pid(link: socket.socket) -> int:
    """The guard's one line; 0 when the guard died before it could say anything."""
    text = b""
    while not text.endswith(b"\n"):
        part = link.recv(32)
        if not part:
            return 0
        text += part
    return int(text)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says the latter for an empty group
        return
