"""Runs one command and stops it when the runner is gone, however the runner ended.

Started as a script (`python -I -S guard.py SIGNAL GRACE UID:GID COMMAND...`) so that it stays
small: no package, no site. Standard input is one end of a socket pair whose other end only the
runner holds. End of file there means "stop": the runner asked, or it was killed. The guard
answers with one line, the process id of the command. Other open files given to the guard (the
lock of the state directory) stay with it and are closed for the command: the lock is free once
the last command has ended.
"""

import os
import select
import signal
import sys
import time

CANNOT_START = 127
HIGHEST_INHERITED = 256


def start(command: list[str], account: str) -> int:
    """Start the command in its own session, as `uid:gid` unless that is empty."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.closerange(3, HIGHEST_INHERITED)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        if account:
            uid, gid = (int(part) for part in account.split(":"))
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        os.execvp(command[0], command)  # noqa: S606 (the command is the whole point)
    except OSError as error:
        os.write(2, f"cannot start {command[0]}: {error.strerror}\n".encode())
    os._exit(CANNOT_START)


def ended(child: int) -> int | None:
    """The exit code of the child (128 + n for signal n), or None while it runs."""
    pid, status = os.waitpid(child, os.WNOHANG)
    if pid == 0:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def runner_is_gone(wake: int, timeout: float | None) -> bool:
    """Wait for news; True when the runner closed its end (or is dead)."""
    readable, _, _ = select.select([0, wake], [], [], timeout)
    if wake in readable:
        os.read(wake, 4096)
    return 0 in readable and not _read_from_runner()


def _read_from_runner() -> bytes:
    try:
        return os.read(0, 4096)
    except ConnectionError:
        return b""


def kill_group(child: int) -> None:
    """Nothing of the command's session outlives it."""
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says the latter for an empty group
        return


def stop(child: int, number: int, grace: float, wake: int) -> int:
    """Ask with the stop signal, wait up to `grace` seconds, then kill; give the exit code."""
    os.kill(child, number)
    deadline = time.monotonic() + grace
    while (code := ended(child)) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            kill_group(child)
            left = 1.0
        if select.select([wake], [], [], left)[0]:
            os.read(wake, 4096)
    return code


def _let_go_of_output() -> None:
    """The log ends when the command ends, not when its guard does."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


def main(arguments: list[str]) -> int:
    """Watch the command and the runner until one of them ends."""
    number, grace, account, command = arguments[0], arguments[1], arguments[2], arguments[3:]
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    asked_to_stop: list[int] = []
    for news in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(news, lambda received, _: asked_to_stop.append(received))
    child = start(command, account)
    try:
        os.write(0, b"%d\n" % child)
    except ConnectionError:
        asked_to_stop.append(signal.SIGTERM)
    _let_go_of_output()
    while (code := ended(child)) is None:
        if runner_is_gone(wake, None) or any(n != signal.SIGCHLD for n in asked_to_stop):
            code = stop(child, int(number), float(grace), wake)
            break
    kill_group(child)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
