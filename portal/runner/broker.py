"""The embedded broker: a Valkey server on a private socket, every write kept on disk."""

import contextlib
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.runner.binaries import find_valkey
from portal.runner.places import socket_directory
from portal.runner.process import Command, launch

SOCKET_NAME = "broker.sock"
READY_SECONDS = 30.0
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


class BrokerError(Exception):
    """The broker does not start; the message says why."""


@dataclass(frozen=True)
class Broker:
    """A broker that keeps its data in `data` and listens on `socket`."""

    data: Path
    socket: Path

    @property
    def url(self) -> str:
        """The address as BROKER_URL takes it."""
        return f"redis+socket://{self.socket}"

    def command(self) -> Command:
        """The server in the foreground; what it acknowledged survives a kill."""
        arguments: list[str | Path] = [find_valkey(), "--port", "0", "--daemonize", "no"]
        arguments += ["--unixsocket", self.socket, "--unixsocketperm", "700"]
        arguments += ["--dir", self.data, "--appendonly", "yes", "--save", ""]
        arguments += ["--hz", "2"]  # its housekeeping; ten times a second is for busier ones
        arguments += ["--maxmemory-policy", "noeviction", "--loglevel", "warning"]
        return Command(arguments, ENVIRONMENT, self.data)

    def answers(self) -> bool:
        """Whether it takes commands now (not while it still reads its file)."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2.0)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def wait_ready(self, alive: Callable[[], bool], timeout: float = READY_SECONDS) -> None:
        """Return when it answers; raises BrokerError when it ended or after `timeout` s."""
        deadline = time.monotonic() + timeout
        while not self.answers():
            if not alive():
                raise BrokerError("The broker ended while starting.")
            if time.monotonic() > deadline:
                raise BrokerError(f"The broker is not ready after {timeout:g} s.")
            time.sleep(0.02)


def prepare_broker(directory: Path) -> Broker:
    """The broker of a directory, made where it is missing."""
    data = directory.resolve() / "data"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Broker(data, socket_directory(directory.resolve(), SOCKET_NAME) / SOCKET_NAME)


@contextmanager
def embedded_broker(directory: Path | None = None, *, log: Path | None = None) -> Iterator[str]:
    """Serve a broker while the block runs and give its URL; temporary without a directory."""
    with contextlib.ExitStack() as stack:
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix="countersign-"))
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
        broker = prepare_broker(directory)
        if broker.answers():
            raise BrokerError(f"A broker already runs on {directory}.")
        with (log or directory / "broker.log").open("ab") as output:
            process = launch(broker.command(), output)
        stack.callback(process.stop)
        broker.wait_ready(lambda: process.process.poll() is None)
        yield broker.url
