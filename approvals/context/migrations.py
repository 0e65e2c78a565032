"""What changed database migrations would drop or lock, read from their text and never run.

Whatever cannot be told is listed as unreadable, so that a policy can ask people then.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from approvals.context.migrations_python import read_python
from approvals.context.migrations_ruby import read_ruby
from approvals.context.migrations_sql import Findings, read_sql
from portal.kernel.text import make_visible

LARGEST = 128 * 1024  # bytes of one file: a hostile one of this size takes a few seconds
MOST_BYTES = 1024 * 1024  # of all files
MOST_FILES = 200
SECONDS = 3.0  # for all files
LONGEST = 500  # characters of one finding

_FOLDERS = frozenset({"migrations", "migration"})
_PAIRS = frozenset({("db", "migrate"), ("alembic", "versions")})
_NOT_RUN = frozenset({".md", ".rst", ".txt", ".toml", ".lock", ".mako"})
_READERS: Mapping[str, Callable[[str], Findings]] = {
    ".sql": read_sql,
    ".py": read_python,
    ".rb": read_ruby,
}


@dataclass(frozen=True)
class Migrations:
    """The changed migrations; findings are short texts, `path: what stands there`."""

    files: tuple[str, ...]
    drops: tuple[str, ...]
    locks: tuple[str, ...]
    unreadable: tuple[str, ...]


def is_migration(path: str) -> bool:
    """Whether the file at `path` is a database migration, or stands among them."""
    *folders, name = parts = path.lower().split("/")
    # The last part too: a link in the place of the folder leads to what cannot be seen.
    among = not (_FOLDERS.isdisjoint(parts) and _PAIRS.isdisjoint(pairwise(folders)))
    return among and not name.startswith(".") and PurePosixPath(name).suffix not in _NOT_RUN


def choose(sizes: Mapping[str, int]) -> tuple[list[str], dict[str, str]]:
    """Which files to read, given their sizes in bytes; and why not the others."""
    chosen: list[str] = []
    refused: dict[str, str] = {}
    left = MOST_BYTES
    for path in sorted(sizes):
        if sizes[path] > LARGEST:
            refused[path] = f"more than {LARGEST} bytes"
        elif len(chosen) == MOST_FILES or sizes[path] > left:
            refused[path] = "too many migrations at once"
        else:
            chosen.append(path)
            left -= sizes[path]
    return chosen, refused


def read_migrations(
    texts: Mapping[str, bytes], refused: Mapping[str, str], gone: Iterable[str] = ()
) -> Migrations:
    """What the files would do. `refused` could not be read, with why; `gone` were deleted."""
    ends = time.monotonic() + SECONDS
    found = Findings(unclear=[f"{path}: {why}" for path, why in refused.items()])
    for path in sorted(texts):
        late = time.monotonic() > ends
        one = (
            Findings(unclear=["no time was left to read it"]) if late else _read(path, texts[path])
        )
        found.add(one, before=f"{path}: ")
    return Migrations(
        files=tuple(sorted({*texts, *refused, *gone})),
        drops=_listed(found.drops),
        locks=_listed(found.locks),
        unreadable=_listed(found.unclear),
    )


def _read(path: str, data: bytes) -> Findings:
    suffix = PurePosixPath(path.lower()).suffix
    reader = _READERS.get(suffix)
    if reader is None:
        return Findings(unclear=[f"nobody here reads {suffix or 'files without a suffix'}"])
    try:
        return reader(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Findings(unclear=["not UTF-8 text"])


def _listed(texts: list[str]) -> tuple[str, ...]:
    return tuple(make_visible(" ".join(text.split()))[:LONGEST] for text in texts)
