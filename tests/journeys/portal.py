"""The whole portal as `make run` starts it, and the real clients, for tests from outside.

The tree has a database of its own on the cluster of this test run: other tests roll back what
they write, here it is committed. Nothing of it outlives pytest, however pytest ends: the runner
watches its parent, and every client is under a guard.
"""

import itertools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from portal.runner.addresses import APP, OWNER
from portal.runner.process import Command, Guarded, launch
from tests.conftest import worker_database
from tests.plugin import server_of_this_run

CHECKOUT = Path(__file__).parents[2]
CLIENTS = CHECKOUT / "plugins" / "client"
DEMO = CHECKOUT / "plugins" / "demo"
PYTHON = (sys.executable, str(CLIENTS / "countersign.py"))
OF_THE_TESTS = ("COUNTERSIGN_", "DATABASE_", "BROKER_", "SECRET_", "DJANGO_", "PYTEST_")
OF_A_CI = ("CI", "GITHUB_", "GITLAB_")
READY_SECONDS = 120.0
PATIENCE = 40.0
REQUEST_ID = re.compile(r"/requests/([0-9a-f-]{36})")


def eventually(true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """The first true answer; fails with what was waited for."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return found


class Run:
    """A process of a test under a guard: what it said so far, and how it ended."""

    def __init__(self, command: Command, log: Path, project: str) -> None:
        self.log = log
        self.project = project
        with log.open("wb") as output:
            self.guarded: Guarded = launch(command, output)

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def request(self) -> str:
        """The id of the request this client made, as soon as it says so."""
        return self.requests(1)[0]

    def requests(self, count: int) -> list[str]:
        """The ids of the requests it made, in order, once there are so many."""
        return eventually(
            lambda: (
                len(found := list(dict.fromkeys(REQUEST_ID.findall(self.said)))) >= count and found
            ),
            f"{count} requests in the log of this run",
        )

    def says(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until it has said this."""
        eventually(lambda: text in self.said, f"{text!r} in:\n{self.said}", seconds)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.guarded.pid, number)

    def end(self, seconds: float = PATIENCE) -> int:
        """Its exit status; 128 + n when signal n ended it."""
        try:
            return self.guarded.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError(f"still running after {seconds:g} s:\n{self.said}") from None

    def stop(self) -> None:
        self.guarded.stop()


class Portal:
    """A running portal with the demo company in it."""

    def __init__(self, home: Path, port: int, database: str) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{port}"
        self.repository = home / "demo" / "shop"
        self.tree_log = home / "tree.log"
        self.runner_pid = 0
        self._database = database
        self._runs: list[Run] = []
        self._numbers = itertools.count(1)

    @property
    def company(self) -> dict[str, Any]:
        """What demo.json says: users with passwords, tokens by project."""
        return dict(json.loads((self.home / "demo.json").read_text()))

    def password(self, username: str) -> str:
        return next(u["password"] for u in self.company["users"] if u["username"] == username)

    def head(self) -> str:
        """The commit at the tip of the demo repository."""
        return _output("git", "-C", str(self.repository), "rev-parse", "HEAD")

    def add_commit(self, product: str = "tea") -> str:
        """One more real commit on the protected branch."""
        return _output("sh", str(DEMO / "add-commit.sh"), str(self.repository), product)

    def start(
        self,
        *arguments: str | Path,
        project: str = "shop",
        directory: Path | None = None,
        **environment: str,
    ) -> Run:
        """Run a program as a pipeline of this project would."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith((*OF_THE_TESTS, *OF_A_CI))
        }
        settings = {
            "COUNTERSIGN_URL": self.url,
            "COUNTERSIGN_TOKEN_FILE": str(self.home / "demo" / f"{project}.token"),
            "TMPDIR": str(self.home),
            "NO_PROXY": "*",
        }
        command = Command(
            list(map(str, arguments)), {**kept, **settings, **environment}, directory or self.home
        )
        run = Run(command, self.home / f"run-{next(self._numbers)}.log", project)
        self._runs.append(run)
        return run

    def gate(
        self,
        environment: str = "production",
        *options: str,
        command: str = "echo THE COMMAND RAN",
        program: tuple[str, ...] = PYTHON,
        project: str = "shop",
        commit: str = "",
        action: str = "deploy",
        **variables: str,
    ) -> Run:
        """The real client around a shell command; each call is a new run."""
        return self.start(
            *program, "gate", *self.asking(environment, project, commit, action), *options,
            "--", "sh", "-c", command, project=project, **variables,
        )  # fmt: skip

    def asking(
        self, environment: str, project: str = "shop", commit: str = "", action: str = "deploy"
    ) -> tuple[str, ...]:
        """The options that say what is asked."""
        where = ("--project", project, "--environment", environment, "--action", action)
        return (*where, "--commit", commit or self.head())

    def read(self, address: str, project: str = "shop") -> Any:
        """JSON of the portal, read with the token of a project."""
        token = (self.home / "demo" / f"{project}.token").read_text().strip()
        asked = urllib.request.Request(
            self.url + address, headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)

    def request(self, request_id: str, project: str = "shop") -> Any:
        """A request as the API shows it."""
        return self.read(f"/api/v1/requests/{request_id}", project)

    def sql(self, statement: str, *values: Any, role: str = OWNER) -> list[tuple[Any, ...]]:
        """One statement, committed; what it returns."""
        address = server_of_this_run().url(role, self._database)
        with psycopg.connect(address, autocommit=True) as connection:
            done = connection.execute(statement, values)
            return done.fetchall() if done.description else []

    def new_run_id(self) -> str:
        """The id of a run that was not there before."""
        return f"run-{next(self._numbers)}"

    def until_pending(self, request_id: str, project: str = "shop") -> Any:
        """The request once all facts are gathered and people are asked."""
        return eventually(
            lambda: (found := self.request(request_id, project))["status"] == "pending" and found,
            f"request {request_id} waits for people",
        )

    def read_sources_again(self, request_id: str) -> None:
        """Make the next sweep read every source of this request, and wait for what moved."""
        asked = "SELECT snapshot_id FROM approvals_request WHERE id = %s"
        before = self.sql(asked, request_id)
        self.sql("UPDATE approvals_reading SET next_try = now() WHERE request_id = %s", request_id)
        eventually(lambda: self.sql(asked, request_id) != before, "a new snapshot")

    def end_runs(self) -> None:
        """End what a test left running; clients that wait withdraw their requests."""
        for run in self._runs:
            run.guarded.begin_stop()
        for run in self._runs:
            run.stop()
        self._runs.clear()


@contextmanager
def running_portal() -> Iterator[Portal]:
    """Start everything, load the demo company, and stop it all at the end."""
    home = Path(tempfile.mkdtemp(prefix="cst-"))
    home.chmod(0o711)
    database = f"{worker_database()}_{secrets.token_hex(4)}"
    server = server_of_this_run()
    server.create_database(database)
    portal = Portal(home, _free_port(), database)
    # The portal refuses a database that forgets; the test cluster does, to be quick.
    portal.sql(f"ALTER DATABASE {database} SET synchronous_commit = on")
    runner = _start_runner(portal, server.url(APP, database), server.url(OWNER, database))
    portal.runner_pid = runner.pid
    try:
        _wait_ready(runner, portal.tree_log)
        yield portal
    finally:
        portal.end_runs()
        runner.send_signal(signal.SIGTERM)
        runner.wait(60)
        said = portal.tree_log.read_text(errors="replace")
        server.drop_database(database)
        shutil.rmtree(home, ignore_errors=True)
    assert "Traceback" not in said, f"the portal stumbled:\n{said}"


def _start_runner(portal: Portal, app_url: str, owner_url: str) -> "subprocess.Popen[bytes]":
    kept = {name: os.environ[name] for name in os.environ if not name.startswith(OF_THE_TESTS)}
    settings = {
        "PORT": portal.url.rpartition(":")[2],
        "COUNTERSIGN_HOME": str(portal.home),
        "DATABASE_URL": app_url,
        "DATABASE_OWNER_URL": owner_url,
    }
    with portal.tree_log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "portal.runner", "--with-parent"],
            cwd=CHECKOUT,
            env={**kept, **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _wait_ready(runner: "subprocess.Popen[bytes]", log: Path) -> None:
    def ready() -> bool:
        assert runner.poll() is None, f"the tree did not start:\n{log.read_text()}"
        return "Ready after" in log.read_text()

    eventually(ready, "the ready line", READY_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()
