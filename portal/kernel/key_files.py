"""Private keys in files, and how one follows another: for a while both sign.

The key of `permit.pem` signs. While another takes its place, the one before it lies beside it as
`permit.previous.pem` and signs too.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def create(path: Path, pem: bytes) -> None:
    """Keep a key unless there is one; its owner alone can read it (mode 0600).

    Two processes at once: the file is created exclusively, the loser's key is thrown away.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _part(path.parent, pem) as part, contextlib.suppress(FileExistsError):
        os.link(part, path)


def previous_of(path: Path) -> Path:
    """Where the key before this one lies during a rotation."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def read(path: Path) -> dict[Path, bytes]:
    """The keys that sign, the newest first: one, or two during a rotation.

    Raises OSError where the first cannot be read.
    """
    found = {path: path.read_bytes()}
    previous = previous_of(path)
    with contextlib.suppress(FileNotFoundError):  # as always but during a rotation
        if (before := previous.read_bytes()) != found[path]:
            found[previous] = before
    return found


def rotate(path: Path, pem: bytes) -> None:
    """Put the next key in place of this one, which lies beside it from now on.

    Raises FileExistsError while the rotation before is not finished; one that was killed in the
    middle, when both names were of one key, is gone on with.
    """
    previous = previous_of(path)
    with _part(path.parent, pem) as part:
        if not (previous.exists() and previous.samefile(path)):
            os.link(path, previous)
        part.replace(path)


def finish(path: Path) -> None:
    """Remove the key before this one. Raises FileNotFoundError when no rotation is under way."""
    previous_of(path).unlink()


@contextlib.contextmanager
def _part(folder: Path, pem: bytes) -> Iterator[Path]:
    """The whole key under a name of its own, mode 0600; whatever is left of it goes."""
    descriptor, name = tempfile.mkstemp(dir=folder)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        yield part
    finally:
        part.unlink(missing_ok=True)
