"""Where the database and broker keep their files, and the two traps of such places.

A socket path may have 103 bytes at most, and a server that runs as another user must be able
to reach its folder.
"""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from portal.runner.account import Account, AccountError, own

SOCKET_PATH_BYTES = 103
SYSTEM_STATE = Path("/var/lib/countersign")
POINTER = "moved-to"


def socket_directory(base: Path, name: str, account: Account | None = None) -> Path:
    """A private folder for the socket called `name`: below `base`, or a short one elsewhere.

    The answer is the same at every start, so that a second start finds the first.
    """
    wanted = base / "socket"
    if len(os.fsencode(wanted / name)) > SOCKET_PATH_BYTES:
        tag = hashlib.sha256(os.fsencode(base.resolve())).hexdigest()[:12]
        wanted = Path(tempfile.gettempdir()) / f"countersign-{tag}"
    if len(os.fsencode(wanted / name)) > SOCKET_PATH_BYTES:
        wanted = Path("/tmp") / wanted.name  # noqa: S108 (private, and checked to be ours)
    return own(wanted, account)


def reachable(directory: Path, account: Account | None) -> Path:
    """`directory`, or where it moved because `account` cannot enter it.

    A moved folder is remembered by a pointer inside `directory`, so removing the state
    directory forgets it too.
    """
    directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    if account is None:
        return directory
    if account.can_enter(directory):
        return directory
    pointer = directory / POINTER
    if pointer.exists():
        moved = Path(pointer.read_text().strip())
    else:
        moved = shared_place() / secrets.token_hex(6)
        _write_whole(pointer, f"{moved}\n")
    moved.mkdir(mode=0o711, parents=True, exist_ok=True)
    moved.chmod(0o711)
    if moved.stat(follow_symlinks=False).st_uid != os.geteuid():
        raise AccountError(f"{moved} belongs to another user; remove {pointer} and try again.")
    return moved


def shared_place() -> Path:
    """A folder of ours (we are root here) that every account can enter."""
    for place in (SYSTEM_STATE, Path(tempfile.gettempdir()) / "countersign-root"):
        try:
            place.mkdir(mode=0o711, exist_ok=True)
            found = place.stat(follow_symlinks=False)
        except OSError:
            continue
        if found.st_uid == os.geteuid() and not found.st_mode & 0o022:
            place.chmod(0o711)
            return place
    raise AccountError(
        f"Neither {SYSTEM_STATE} nor a folder in {tempfile.gettempdir()} can hold the database "
        "of root. Choose a COUNTERSIGN_HOME that other users can enter, or set DATABASE_URL."
    )


def _write_whole(path: Path, text: str) -> None:
    """A reader sees all of it or nothing."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text)
    part.replace(path)
