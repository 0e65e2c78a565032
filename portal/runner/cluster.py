"""One PostgreSQL data directory: made once, started by whoever calls, safe after any crash."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.runner.account import Account, own, server_account
from portal.runner.binaries import Binaries, find_postgres, for_account
from portal.runner.places import reachable, socket_directory
from portal.runner.process import Command

SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432"
FIRST_BUILTIN_LOCALE = 17  # PostgreSQL 17 knows C.UTF-8 without the operating system
INITDB_SECONDS = 120
LOCK_SECONDS = 120
NO_PROCESS = 2**31 - 1  # larger than any process id
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ClusterError(Exception):
    """The data directory cannot be made or used; the message says what to do."""


@dataclass(frozen=True)
class Cluster:
    """A data directory ready to be served: everything the start needs to know."""

    base: Path
    data: Path
    socket_directory: Path
    binaries: Binaries
    account: Account | None
    durable: bool

    def command(self) -> Command:
        """The server in the foreground; SIGINT is PostgreSQL's fast stop."""
        settings = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(self.socket_directory),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "",
            **({} if self.durable else NOT_DURABLE),
        }
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]
        return Command(
            [self.binaries.postgres, "-D", self.data, *options],
            ENVIRONMENT,
            Path("/"),
            stop_signal=signal.SIGINT,
            account=self.account,
        )

    def forget_dead_server(self) -> None:
        """Make a left-over `postmaster.pid` harmless when its process is no server of ours.

        PostgreSQL itself takes over from a dead process, but not from an unreaped one or from
        a stranger that got the same number. Only the number is changed: the rest of the file
        lets PostgreSQL see whether old backends still use the data.
        """
        lock = self.data / "postmaster.pid"
        try:
            first, *rest = lock.read_text().splitlines(keepends=True)
            pid = int(first)
        except (FileNotFoundError, ValueError):
            return
        if not serves(pid, self.data):
            part = lock.with_name("postmaster.pid.part")
            part.write_text("".join([f"{NO_PROCESS}\n", *rest]))
            if self.account:
                os.chown(part, self.account.uid, self.account.gid)
            part.replace(lock)

    def running_server(self) -> int | None:
        """The process id of the server on this data directory, or None."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if serves(pid, self.data) else None


def prepare_cluster(directory: Path, *, durable: bool) -> Cluster:
    """Find the programs and make the data directory where it is missing.

    Raises ClusterError, AccountError or BinariesError, each with what to do. Call it under
    `starting(directory)`.
    """
    account = server_account()
    base = reachable(directory.resolve(), account)
    binaries = for_account(find_postgres(), account)
    data = base / "data"
    cluster = Cluster(
        base, data, socket_directory(base, SOCKET_NAME, account), binaries, account, durable
    )
    if data.exists():
        own(data, account)
        _check_version(cluster)
    else:
        _initialise(cluster)
    return cluster


@contextmanager
def starting(directory: Path) -> Iterator[None]:
    """Only one process at a time makes and starts the server of a directory."""
    directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (directory / "start.lock").open("w") as lock:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _locked(lock.fileno()):
            if time.monotonic() > deadline:
                raise ClusterError(f"Another start of {directory} has taken {LOCK_SECONDS} s.")
            time.sleep(0.05)
        yield


def serves(pid: int, data: Path) -> bool:
    """Whether process `pid` lives and is the server of this data directory."""
    if Path("/proc/self/cwd").is_symlink():  # Linux
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == data
        except OSError:  # no such process, one waiting to be reaped, or somebody else's
            return False
    listed = subprocess.run(
        ["ps", "-o", "stat=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return str(data) in listed and not listed.startswith("Z")


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check_version(cluster: Cluster) -> None:
    stamp = cluster.data / "PG_VERSION"
    if not stamp.exists():
        raise ClusterError(f"{cluster.data} is no PostgreSQL data directory; move it away.")
    found = stamp.read_text().strip()
    if found != str(cluster.binaries.major):
        raise ClusterError(
            f"{cluster.data} holds data of PostgreSQL {found}, but the programs at hand are "
            f"version {cluster.binaries.major}. Dump it with {found} and load it again, "
            "or choose another COUNTERSIGN_HOME."
        )


def _initialise(cluster: Cluster) -> None:
    """Run initdb beside the final place and rename, so that a half-made one never counts."""
    part = cluster.base / "data.part"
    shutil.rmtree(part, ignore_errors=True)
    own(part, cluster.account)
    account = cluster.account
    made = subprocess.run(
        [cluster.binaries.initdb, "-D", part, *_initdb_options(cluster)],
        env=ENVIRONMENT,
        cwd="/",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=INITDB_SECONDS,
    )
    if made.returncode:
        raise ClusterError(f"initdb failed in {part}:\n{made.stderr or made.stdout}".rstrip())
    part.rename(cluster.data)


def _initdb_options(cluster: Cluster) -> list[str]:
    options = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--data-checksums"]
    options += ["--no-instructions"]
    if cluster.binaries.major >= FIRST_BUILTIN_LOCALE:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    else:
        options += ["--locale=C"]
    return options if cluster.durable else [*options, "--no-sync"]
