"""The whole tree as `make run` starts it: ready, kill -9 of everything, again, side by side."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PARTS = {
    "database": "postgres -D",
    "broker": "valkey-server",
    "sealer": "portal.sealer",
    "web": "portal.config.server",
    "worker": "portal.runner.worker",
}
OF_THE_TESTS = ("COUNTERSIGN_", "DATABASE_", "BROKER_", "SECRET_", "DJANGO_", "PYTEST_")
READY_SECONDS = 90


class Run:
    """A runner started by a test, with its log."""

    def __init__(self, home: Path, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        kept = {name: os.environ[name] for name in os.environ if not name.startswith(OF_THE_TESTS)}
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-m", "portal.runner"],
            cwd=CHECKOUT,
            env={**kept, "PORT": str(self.port), "COUNTERSIGN_HOME": str(home), **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.log: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        self.log.extend(self.process.stdout)

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail("the runner ended:\n" + "".join(self.log))
        return any("Ready after" in line for line in list(self.log))

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def descendants(self) -> dict[int, str]:
        """Every process below the runner, with its command line."""
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        rows = [line.split(maxsplit=2) for line in listed.splitlines()]
        below, found = {self.process.pid}, {}
        for _ in rows:  # as deep as it may be
            more = {int(r[0]): r[2] for r in rows if int(r[1]) in below and int(r[0]) not in found}
            if not more:
                break
            found |= more
            below = set(more)
        return found

    def parts(self) -> dict[str, int]:
        """The process id of each part that is up (the guards left out)."""
        real = {pid: args for pid, args in self.descendants().items() if "guard.py" not in args}
        return {
            name: min(pid for pid, args in real.items() if mark in args)
            for name, mark in PARTS.items()
            if any(mark in args for args in real.values())
        }

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.reader.join(10)
        self.process.stdout.close()
        return code


@pytest.fixture
def start_run(eventually):
    runs: list[Run] = []

    def start(home: Path, **settings: str) -> Run:
        run = Run(home, **settings)
        runs.append(run)
        eventually(run.is_ready, "the ready line", READY_SECONDS)
        return run

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)


@pytest.mark.tree
def test_everything_comes_back_after_kill_9_and_nothing_is_left_behind(
    place, start_run, eventually, is_gone
):
    run = start_run(place)
    assert run.answers()
    assert (place / "demo.json").stat().st_mode & 0o777 == 0o600
    before = run.parts()
    assert set(before) == set(PARTS)

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    eventually(
        lambda: (
            set(run.parts()) == set(PARTS) and not set(before.values()) & set(run.descendants())
        ),
        "every part is back",
        60,
    )
    eventually(run.answers, "a page after all parts were killed", 60)

    everybody = run.descendants()
    run.end(signal.SIGKILL)
    for pid, args in everybody.items():
        eventually(lambda pid=pid: is_gone(pid), f"the end of {args}", 30)

    again = start_run(place)
    assert again.answers()
    everybody = again.descendants()
    assert again.end(signal.SIGINT) == 0
    assert [args for pid, args in everybody.items() if not is_gone(pid)] == []


@pytest.mark.tree
def test_two_copies_run_side_by_side_and_a_taken_port_is_named(place, start_run):
    one = start_run(place / "one", COUNTERSIGN_DEMO="0")
    two = start_run(place / "two", COUNTERSIGN_DEMO="0")
    assert one.answers()
    assert two.answers()
    assert not (place / "one" / "demo.json").exists()

    third = Run(place / "three", PORT=str(one.port))
    assert third.process.wait(30) == 1
    third.reader.join(10)
    third.process.stdout.close()
    assert f"Cannot listen on 127.0.0.1:{one.port}" in "".join(third.log)
    assert one.end(signal.SIGTERM) == two.end(signal.SIGTERM) == 0
