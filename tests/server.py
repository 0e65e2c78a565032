"""The portal's own server as a child process, on the database of this test worker.

Import the fixture where parked calls matter: `from tests.server import portal_server`. Tests that
use it need committed rows (`transactional_db`).
"""

import http.client
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from portal.runner.process import Command, Guarded, launch
from tests.conftest import worker_database
from tests.plugin import server_of_this_run

CHECKOUT = Path(__file__).parents[1]
PATIENCE = 60.0


def eventually(true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The first true answer; fails with what was waited for."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return found


def database_url() -> str:
    """This worker's database for the app's role; the portal refuses a database that forgets, and
    the cluster of the tests does, to be quick."""
    url = server_of_this_run().url(database=worker_database())
    return f"{url}&options=-c%20synchronous_commit%3Don"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Child:
    """A process of the portal that can be killed and started again; never outlives the tests."""

    arguments: list[str]
    environment: dict[str, str]
    log: Path = field(
        default_factory=lambda: Path(tempfile.mkstemp(prefix="countersign-child-")[1])
    )
    running: Guarded | None = None

    def start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        command = Command(
            [sys.executable, *self.arguments], {**kept, **self.environment}, CHECKOUT, grace=3.0
        )
        with self.log.open("ab") as output:
            self.running = launch(command, output)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self.running is not None:
            os.kill(self.running.pid, signal.SIGKILL)
            self.running.wait(PATIENCE)

    def stop(self) -> None:
        if self.running is not None:
            self.running.stop(PATIENCE)
            self.running = None
        self.log.unlink(missing_ok=True)

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")


class Web(Child):
    """`python -m portal.config.server` on a port of its own."""

    def __init__(self, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            ["-m", "portal.config.server"],
            {"DATABASE_URL": database_url(), "PORT": str(self.port), **environment},
        )

    def ready(self) -> bool:
        try:
            return self.call("GET", "/healthz", timeout=2).status == 200
        except OSError:
            return False

    def start(self) -> None:
        super().start()
        eventually(self.ready, f"the server answers; it said:\n{self.said}")

    def call(
        self,
        method: str,
        address: str,
        body: Any = None,
        *,
        secret: str = "",
        timeout: float = 70.0,
        **headers: str,
    ) -> Answer:
        """One call on a connection of its own; header names with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if secret:
            sent["Authorization"] = f"Bearer {secret}"
        if body is not None and not isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
            body = json.dumps(body).encode()
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, urlsplit(address)._replace(scheme="", netloc="").geturl(),
                               body, sent)  # fmt: skip
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read(), time.monotonic() - begun)
        finally:
            connection.close()

    def stream(self, address: str, **headers: str) -> "Stream":
        """Open an event stream."""
        return Stream(self.port, address, headers)


class Stream:
    """Server-sent events, line by line."""

    def __init__(self, port: int, address: str, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._connection.request("GET", address, headers=headers)
        self.response = self._connection.getresponse()

    def event(self) -> dict[str, str]:
        """The next event, comments left out."""
        found: dict[str, str] = {}
        while True:
            line = self.response.readline().decode().rstrip("\r\n")
            if not line and "event" in found:
                return found
            name, _, value = line.partition(": ")
            if name:
                found[name] = value

    def close(self) -> None:
        self._connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def portal_server(django_db_setup):
    """A running server for the whole session of this worker."""
    web = Web()
    try:
        web.start()
        yield web
    finally:
        web.stop()
