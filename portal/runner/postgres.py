"""The embedded PostgreSQL as a library: `with embedded_postgres(directory) as server:`."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from portal.runner import roles
from portal.runner.addresses import APP, DATABASE, OWNER, SEALER, server_url
from portal.runner.cluster import SUPERUSER, Cluster, ClusterError, prepare_cluster, starting
from portal.runner.process import Guarded, launch

READY_SECONDS = 60.0
LOG_TAIL = 15


@dataclass(frozen=True)
class Server:
    """A running server, known by the folder of its socket."""

    socket_directory: Path

    def url(self, role: str = APP, database: str = DATABASE) -> str:
        """The address for one role, as DATABASE_URL takes it."""
        return server_url(self.socket_directory, role, database)

    @property
    def owner_url(self) -> str:
        return self.url(OWNER)

    @property
    def app_url(self) -> str:
        return self.url(APP)

    @property
    def sealer_url(self) -> str:
        return self.url(SEALER)

    @property
    def superuser_url(self) -> str:
        return self.url(SUPERUSER)

    def create_database(self, name: str) -> None:
        """A database with the usual owner and grants; one that exists gets the grants again."""
        with self._superuser("postgres") as connection:
            roles.create_database(connection, name)
        with self._superuser(name) as connection:
            roles.prepare_database(connection)

    def drop_database(self, name: str) -> None:
        """Drop a database where it exists, throwing out whoever uses it."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self._superuser("postgres") as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    def prepare(self) -> None:
        """The three roles and the database of that name, where missing."""
        with self._superuser("postgres") as connection:
            roles.prepare_roles(connection)
        self.create_database(DATABASE)

    def wait_ready(
        self, alive: Callable[[], bool] = lambda: True, timeout: float = READY_SECONDS
    ) -> None:
        """Return when the server takes connections.

        Raises ClusterError when `alive` turns false or after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._superuser("postgres").close()
            except psycopg.OperationalError as error:
                if not alive():
                    raise ClusterError("PostgreSQL ended while starting.") from error
                if time.monotonic() > deadline:
                    raise ClusterError(f"PostgreSQL is not ready after {timeout:g} s.") from error
                time.sleep(0.02)
            else:
                return

    def _superuser(self, database: str) -> roles.Connection:
        return psycopg.connect(
            host=str(self.socket_directory),
            user=SUPERUSER,
            dbname=database,
            autocommit=True,
            connect_timeout=10,
        )


@contextmanager
def embedded_postgres(
    directory: Path | None = None, *, durable: bool = True, log: Path | None = None
) -> Iterator[Server]:
    """Serve the cluster in `directory` while the block runs, made there at the first use.

    Without a directory the cluster is temporary. A server that already runs there is used and
    left running. When this process dies, however it dies, a server it started stops too.
    `durable=False` skips every fsync: for tests only. The server's own log goes to `log`, by
    default `server.log` in the directory.

    Raises ClusterError, AccountError or BinariesError, each with what to do.
    """
    with contextlib.ExitStack() as stack:
        temporary = directory is None
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix="countersign-"))
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            directory.chmod(0o711)  # the server may run as another user
        log = log or directory / "server.log"
        with starting(directory):
            cluster = prepare_cluster(directory, durable=durable)
            if temporary:  # it may lie elsewhere, where the server can reach it
                stack.callback(shutil.rmtree, cluster.base, ignore_errors=True)
            server = Server(cluster.socket_directory)
            if cluster.running_server() is None:
                process = _start(cluster, log)
                stack.callback(process.stop)
                _wait_for(server, process, log)
            else:
                server.wait_ready()
            server.prepare()
        yield server


def _start(cluster: Cluster, log: Path) -> Guarded:
    cluster.forget_dead_server()
    with log.open("ab") as output:
        return launch(cluster.command(), output)


def _wait_for(server: Server, process: Guarded, log: Path) -> None:
    try:
        server.wait_ready(lambda: process.process.poll() is None)
    except ClusterError as error:
        tail = log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        raise ClusterError("\n".join([f"{error} Its last words:", *tail])) from error
