"""The state directory: one run at a time, and the secret key made at the first."""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.runner.process import GRACE_SECONDS

END_OF_LAST_RUN_SECONDS = 2 * GRACE_SECONDS


class HomeError(Exception):
    """The state directory cannot be used; the message says what to do."""


@contextmanager
def only_run(home: Path) -> Iterator[int]:
    """Hold the state directory alone; gives the number of the open lock file.

    Whoever inherits the file holds it too, so a new run waits for the last child of one that
    was killed. Raises HomeError when another run is alive.
    """
    _make(home)
    lock = os.open(home / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + END_OF_LAST_RUN_SECONDS
        while not _take(lock):
            holder = _holder(lock)
            if _lives(holder) or time.monotonic() > deadline:
                raise HomeError(
                    f"Countersign already runs on {home} (process {holder}). Stop it, or choose "
                    "another COUNTERSIGN_HOME."
                )
            time.sleep(0.1)
        os.truncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
        yield lock
        os.truncate(lock, 0)
    finally:
        os.close(lock)


def secret_key_file(home: Path) -> Path:
    """The file with Django's secret key, made once, readable only by us."""
    path = home / "secret-key"
    with contextlib.suppress(FileExistsError):
        part = home / f"secret-key.{secrets.token_hex(4)}"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"{secrets.token_urlsafe(50)}\n")
        try:
            path.hardlink_to(part)  # the first one wins, and nobody sees half a key
        finally:
            part.unlink()
    return path


def _make(home: Path) -> None:
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError("not ours to write")
    except OSError as error:
        raise HomeError(
            f"Cannot use the state directory {home}: {error.strerror or error}. Choose another "
            "COUNTERSIGN_HOME."
        ) from error


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: int) -> int:
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _lives(pid: int) -> bool:
    if pid == 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
