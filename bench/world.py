"""What the benches run against: a durable database of their own, the real server, the floor.

Everything started here ends with the block, and with this process however it ends.
"""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django

from portal.runner.postgres import Server, embedded_postgres
from portal.runner.process import Command, Guarded, launch

CHECKOUT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0


@dataclass(frozen=True)
class Database:
    """The server, and the environment that the portal's processes get."""

    server: Server
    environment: dict[str, str]


@contextmanager
def database() -> Iterator[Database]:
    """An empty portal: durable PostgreSQL, migrated; Django is set up in this process."""
    with embedded_postgres(durable=True) as server, tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "DATABASE_URL": server.app_url,
            "BROKER_URL": "",
            "COUNTERSIGN_HOME": home,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DJANGO_SETTINGS_MODULE": "portal.config.settings",
            "BENCH_OWNER_URL": server.owner_url,
            "PYTHONWARNINGS": "ignore:No directory at",  # static files are not collected here
        }
        as_owner = {**environment, "DATABASE_URL": server.owner_url}
        migrate = [sys.executable, "manage.py", "migrate", "-v", "0", "--no-input"]
        subprocess.run(migrate, env=as_owner, cwd=CHECKOUT, check=True)
        os.environ.update(environment)
        django.setup()
        yield Database(server, environment)


@contextmanager
def portal(base: Database) -> Iterator[int]:
    """The real web server; its port."""
    with served(base, "portal.config.server") as (port, _):
        yield port


@contextmanager
def floor(base: Database) -> Iterator[int]:
    """The floor of `bench.floor`; its port."""
    with served(base, "bench.floor") as (port, _):
        yield port


@contextmanager
def served(base: Database, module: str) -> Iterator[tuple[int, int]]:
    """A server, by its module: port and process id."""
    port = free_port()
    environment = {**base.environment, "PORT": str(port)}
    process = launch(Command([sys.executable, "-m", module], environment, CHECKOUT))
    try:
        _wait_for(port, process)
        yield port, process.pid
    finally:
        process.stop()


def _wait_for(port: int, process: Guarded) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("a server of this bench did not start") from None
            time.sleep(0.05)
        else:
            return


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
