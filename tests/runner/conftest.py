"""Helpers of the runner's tests: places that any account can enter, and processes by id."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder with a short path that the database server's account can enter."""
    path = Path(tempfile.mkdtemp(prefix="cst-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait until something is true, or fail with what was waited for."""

    def wait(true: Callable[[], object], what: str, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds:g} s: {what}")
            time.sleep(0.02)

    return wait


@pytest.fixture
def is_gone() -> Callable[[int], bool]:
    """Whether a process has ended (one that only waits to be reaped has)."""

    def gone(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return not Path("/proc").is_dir()
        return state == "Z"

    return gone
