"""Programs of Debian packages for tests, unpacked into the user's cache, never in the checkout.

Nothing is installed and no service starts; any user may do it. As root, where the lists of packages
are missing, they are brought up to date first.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SECONDS = 240


def debian_programs(package: str, *names: str) -> list[str]:
    """Paths of a package's programs; without it the tests are skipped, loudly, or fail in CI."""
    there = [shutil.which(name) for name in names]
    if all(there):
        return [str(path) for path in there]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "countersign-tests" / "debian" / package
    found = [folder / "usr" / "bin" / name for name in names]
    problem = _unpack(package, folder) if not all(path.exists() for path in found) else ""
    if problem:
        reason = f"NO {package.upper()}: {problem}"
        if os.environ.get("COUNTERSIGN_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return [str(path) for path in found]


def _unpack(package: str, folder: Path) -> str:
    """Download and unpack, one process at a time; why it cannot be, or empty."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return "install it, this is no Debian"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return ""  # whoever was before us did it
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            problem = _download(package, place)
            if not problem:
                (archive,) = Path(place).glob("*.deb")
                problem = _run(["dpkg", "-x", str(archive), f"{place}/unpacked"], place)
            if not problem:
                Path(place, "unpacked").rename(folder)
            return problem


def _download(package: str, place: str) -> str:
    download = ["apt-get", "download", "-qq", package]
    problem = _run(download, place)
    if problem and os.geteuid() == 0:
        problem = _run(["apt-get", "update", "-qq"], place) or _run(download, place)
    return problem


def _run(command: list[str], place: str) -> str:
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
    return f"{' '.join(command)}: {last[0]}" if done.returncode else ""
