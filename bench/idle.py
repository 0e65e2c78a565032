"""`make run` from nothing to its first approval, then what it costs while nothing happens.

Memory is the proportional share (PSS: pages shared by processes count once) of every process below
the runner, and of the runner, but PostgreSQL's. Reads /proc, so this bench needs Linux.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from bench.figures import Figure
from bench.http import Connection
from bench.world import CHECKOUT, free_port
from portal.runner.process import Command, Guarded, launch

MOST_START = 120.0
SETTLE = 15.0
WATCHED = 20.0
MIB = 1024 * 1024
OURS = ("COUNTERSIGN_", "DATABASE_", "BROKER_", "SECRET_", "DJANGO_", "PYTHONWARNINGS", "BENCH_")
PROJECT = "payments"  # its policy reads facts at hand only


def run() -> list[Figure]:
    """Seconds to the first approval, idle memory, idle CPU."""
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o711)  # PostgreSQL may run as another user
        port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        environment = {**kept, "PORT": str(port), "COUNTERSIGN_HOME": home}
        command = [sys.executable, "-m", "portal.runner"]
        begun = time.monotonic()
        with (Path(home) / "log").open("wb") as log:
            tree = launch(Command(command, environment, CHECKOUT, grace=30), log)
        try:
            _wait_for_ready(tree, Path(home))
            asyncio.run(_first_approval(port, Path(home)))
            seconds = time.monotonic() - begun
            time.sleep(SETTLE)
            memory, share = _idle(tree.pid)
        finally:
            tree.stop()
    return [
        Figure("empty database to first approval", seconds, " s", at_most=12),
        Figure("idle memory without PostgreSQL", memory, " MiB", at_most=300),
        Figure("idle CPU without PostgreSQL, of one core", share, " %", at_most=1),
    ]


def _wait_for_ready(tree: Guarded, home: Path) -> None:
    deadline = time.monotonic() + MOST_START
    while b"Ready after" not in (home / "log").read_bytes():
        if tree.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("it did not start:\n" + (home / "log").read_text())
        time.sleep(0.05)


async def _first_approval(port: int, home: Path) -> None:
    token = orjson.loads((home / "demo.json").read_bytes())["tokens"][PROJECT]
    body = {
        "project": PROJECT,
        "environment": "staging",
        "action": "deploy",
        "subject": {"commit": "1" * 40},
        "run": {"id": "first", "attempt": 1},
    }
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": "first",
    }
    connection = await Connection.open(port)
    answer = await connection.call("POST", "/api/v1/requests", orjson.dumps(body), headers)
    await connection.close()
    if answer.status != 201 or answer.json()["status"] != "approved":
        raise RuntimeError(f"the first POST was answered with {answer.status} {answer.body!r}")


def _idle(runner: int) -> tuple[float, float]:
    """MiB and percent of one core."""
    processes = _tree(runner)
    before = {pid: _cpu_seconds(pid) for pid in processes}
    time.sleep(WATCHED)
    used = sum(_cpu_seconds(pid) - seconds for pid, seconds in before.items())
    return sum(map(_memory, processes)) / MIB, used / WATCHED * 100


def _tree(root: int) -> list[int]:
    """`root` and everything below it, PostgreSQL left out."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    below, found = [root], []
    while below:
        one = below.pop()
        found.append(one)
        below += [int(p) for p, parent, name in rows if int(parent) == one and name != "postgres"]
    return found


def _cpu_seconds(pid: int) -> float:
    """Time in user and system mode so far (fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> int:
    """Bytes of memory, shared pages in proportion."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
