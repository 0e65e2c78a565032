"""Programs of Debian packages for tests, unpacked into the user's cache, never in the checkout.

Nothing is installed and no service starts; any user may do it. As root, where the lists of packages
are missing, they are brought up to date first.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SECONDS = 240


def debian_programs(package: str, *names: str) -> list[str]:
    """Paths of a package's programs; without it the tests are skipped, loudly, or fail in CI."""
    there = [shutil.which(name) for name in names]
    if all(there):
        return [str(path) for path in there]
    folder = kept(f"debian/{package}", package, lambda place: unpacked([package], place))
    return [str(folder / "usr" / "bin" / name) for name in names]


def kept(name: str, what: str, make: Callable[[Path], str]) -> Path:
    """The folder `name` of the cache, made the first time, by one process.

    `make` fills a folder and says what hindered it, or nothing; then the tests are skipped, loudly,
    or fail in CI.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "countersign-tests" / name
    problem = _make(folder, make) if not folder.exists() else ""
    if problem:
        reason = f"NO {what.upper()}: {problem}"
        if os.environ.get("COUNTERSIGN_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


def _make(folder: Path, make: Callable[[Path], str]) -> str:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return ""  # whoever was before us did it
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            whole = Path(place, "whole")
            whole.mkdir()
            problem = make(whole)
            if not problem:
                whole.rename(folder)
            return problem


def unpacked(packages: list[str], place: Path) -> str:
    """Download and unpack packages into one folder; why it cannot be, or empty."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return "install it, this is no Debian"
    with tempfile.TemporaryDirectory(dir=place.parent) as archives:
        problem = _download(packages, archives)
        for archive in Path(archives).glob("*.deb"):
            problem = problem or run(["dpkg", "-x", str(archive), str(place)])
        return problem


def _download(packages: list[str], place: str) -> str:
    download = ["apt-get", "download", "-qq", *packages]
    problem = run(download, cwd=place)
    if problem and os.geteuid() == 0:
        problem = run(["apt-get", "update", "-qq"]) or run(download, cwd=place)
    return problem


def run(command: list[str], **options: Any) -> str:
    """Run a command; why it failed, or empty."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False, **options
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
    return f"{' '.join(command)}: {last[0]}" if done.returncode else ""
