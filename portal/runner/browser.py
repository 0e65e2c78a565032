"""`python -m portal.runner.browser`: make sure the tests have Chromium, git and their helpers.

As root on Debian or Ubuntu they come from the distribution; elsewhere this says loudly what
will be skipped. With COUNTERSIGN_REQUIRE_BROWSER=1 (CI) a missing browser is an error.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# Packages by the program that the tests run; without the last two some tests are skipped.
PROGRAMS = {"git": "git", "rsync": "rsync", "busybox": "busybox"}
LINE = "=" * 78


def find_chromium() -> str | None:
    """The browser of the tests: $CHROMIUM, then the usual names and places."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        return chosen if os.access(chosen, os.X_OK) else None
    for name in NAMES:
        if (found := shutil.which(name)) is not None:
            return found
    return next((path for path in APPLICATIONS if Path(path).exists()), None)


def missing_packages() -> list[str]:
    """The Debian packages that would bring what is not there."""
    missing = [package for name, package in PROGRAMS.items() if not shutil.which(name)]
    return missing if find_chromium() else ["chromium", *missing]


def install(packages: list[str]) -> None:
    """Install packages of the distribution where we may: root, and apt-get is there."""
    apt = shutil.which("apt-get")
    if not packages or apt is None or os.geteuid() != 0:
        return
    _say(f"installing {' and '.join(packages)} for the tests from the distribution")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        subprocess.run([apt, *arguments], env=environment, stdout=subprocess.DEVNULL, check=False)


def main() -> int:
    """Install what is missing where we may; 1 when a browser is required and missing."""
    install(missing_packages())
    if not shutil.which("git"):
        _say("git is missing: install it, the tests make real repositories")
        return 1
    if find_chromium():
        return 0
    _say(LINE)
    _say("NO BROWSER: every browser test will be skipped.")
    _say("Install Chromium, or set CHROMIUM=/path/to/chromium, then run the tests again.")
    _say(LINE)
    return 1 if os.environ.get("COUNTERSIGN_REQUIRE_BROWSER") == "1" else 0


def _say(text: str) -> None:
    sys.stdout.write(f"set-up   | {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
