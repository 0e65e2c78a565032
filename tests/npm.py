"""Packages of npm for tests, installed into the user's cache, never into the checkout."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SECONDS = 240


def npm_packages(*packages):
    """The folder with these packages (`name@version`); without it the tests are skipped, loudly,
    or fail in CI."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:16]
    folder = cache / "countersign-tests" / "npm" / name
    problem = "" if folder.exists() else _install(packages, folder)
    if problem:
        reason = f"NO {' AND '.join(packages)}: {problem}"
        if os.environ.get("COUNTERSIGN_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder / "node_modules"


def _install(packages, folder):
    """Install them, one process at a time; why that cannot be, or empty."""
    if not shutil.which("npm"):
        return "npm is not installed"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return ""  # whoever was before us did it
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", f"{place}/whole"]
            command = ["npm", "install", *quiet, *packages]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
            except (OSError, subprocess.TimeoutExpired) as error:
                return str(error)
            if done.returncode:
                return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            Path(place, "whole").rename(folder)
    return ""
