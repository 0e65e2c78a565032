"""PostgreSQL refuses root, so root hands the server to an account without rights.

Whatever else runs as that account can reach the embedded database: good enough for trying
Countersign, not for production, which sets DATABASE_URL.
"""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CANDIDATES = ("postgres", "nobody")


class AccountError(Exception):
    """No account can be used, or a folder belongs to somebody else."""


@dataclass(frozen=True)
class Account:
    """A user of the operating system that a child runs as."""

    name: str
    uid: int
    gid: int

    def run(self, arguments: Sequence[str | Path]) -> "subprocess.CompletedProcess[str]":
        """Run a short command as this account, without any other group."""
        return subprocess.run(
            [str(part) for part in arguments],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def can_enter(self, directory: Path) -> bool:
        """Whether every folder on the way, and the folder itself, lets this account in."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", directory]).returncode == 0

    def can_run(self, program: Path) -> bool:
        """Whether this account can start the program and load its libraries."""
        try:
            return self.run([program, "--version"]).returncode == 0
        except PermissionError:
            return False


def server_account() -> Account | None:
    """Who the database server runs as: None means "as we are" (we are not root).

    Raises AccountError when we are root and there is nobody to hand the server to.
    """
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(name, found.pw_uid, found.pw_gid)
    raise AccountError(
        "PostgreSQL refuses to run as root, and this machine has neither a user postgres nor "
        "nobody. Start Countersign as an ordinary user, or set DATABASE_URL."
    )


def own(directory: Path, account: Account | None) -> Path:
    """Make `directory` (0700) if missing and give it to the account.

    Raises AccountError when it exists and belongs to somebody else.
    """
    owner = account.uid if account else os.geteuid()
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.stat(follow_symlinks=False).st_uid
    if found not in (owner, os.geteuid()):
        raise AccountError(
            f"{directory} belongs to another user (uid {found}). Start as that user, or choose "
            "another COUNTERSIGN_HOME."
        )
    if account and found != owner:
        os.chown(directory, account.uid, account.gid)
    return directory
