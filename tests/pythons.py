"""Other versions of Python on this machine, for what runs on somebody else's."""

import os
import shutil
from pathlib import Path

import pytest


def oldest_python() -> str:
    """A Python 3.8: of pyenv (its shims may point to nothing), else of the machine."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob("versions/3.8.*/bin/python")) or shutil.which("python3.8")
    if not found:
        pytest.skip("no Python 3.8 on this machine")
    return str(found[0] if isinstance(found, list) else found)
