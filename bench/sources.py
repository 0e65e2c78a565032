"""Facts of ten outside systems: how long after the slowest one a request has them all, and what the
slowest adds to a redeem.

Ten connections ask one server on loopback, which takes its time: the fastest 50 ms, the slowest
half a second. Web server, broker and worker are the real ones, each a process of its own.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import orjson

from approvals.connections.configure import create_connection
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.models import Reading
from bench.company import pipeline, submission
from bench.figures import Figure, milliseconds
from bench.http import Connection
from bench.world import CHECKOUT, Database, portal
from portal.runner.broker import embedded_broker
from portal.runner.options import python
from portal.runner.process import Command, launch
from tests import factories

SOURCES = 10
SLOWEST = 0.5
ROUNDS = 12
WAITS = 30.0
ALL_CALM = " && ".join(f"metric.fact_{number} < 1.0" for number in range(SOURCES))
POLICY = f"""\
policy: shop
facts: v1
match: {{projects: ["**"], environments: ["*"], actions: ["*"]}}
rules:
  - id: calm
    when: {ALL_CALM}
    approve: auto
default: {{require: {{count: 1, from: [team-leads]}}}}
decide_within: 24h
valid_for: 1h
hold: [metric.fact_9]
"""


def run(base: Database) -> list[Figure]:
    """Milliseconds after the slowest answer; a redeem in parts of the slowest source it needs."""
    ensure_signing_key()
    company = factories.company(POLICY)
    with _slow_systems() as address, embedded_broker() as broker:
        for number in range(SOURCES):
            _connect(company, f"{address}/{number}/{{commit}}", number)
        connected = replace(base, environment={**base.environment, "BROKER_URL": broker})
        with _worker(connected), portal(connected) as port:
            _ask(port, company, 1000)  # warms up
            took = [_ask(port, company, number) for number in range(ROUNDS)]
    late = [gathered - SLOWEST for gathered, _ in took]
    redeems = [redeemed for _, redeemed in took]
    return [
        Figure(
            f"facts of {SOURCES} sources, after the slowest answered",
            median(late) * 1000,
            " ms",
            at_most=100,
            note=f"{milliseconds(late)}; the slowest takes {SLOWEST * 1000:.0f} ms",
        ),
        Figure(
            "redeem / the slowest source that it needs",
            median(redeems) / SLOWEST,
            at_most=1.2,
            note=milliseconds(redeems),
        ),
    ]


def _connect(company: factories.Company, url: str, number: int) -> None:
    create_connection(
        by=company.admin,
        kind="http_json",
        name=f"System {number}",
        project=company.project,
        settings={"url": url, "header": "", "facts": f"metric.fact_{number} = /value"},
        secrets={},
        private=True,
    )


def _ask(port: int, company: factories.Company, number: int) -> tuple[float, float]:
    """Seconds from the POST until all facts are there, and of the redeem."""
    body, own = submission("production")
    commit = f"{number + 1:040x}"
    body = body.replace(factories.COMMIT.encode(), commit.encode())
    begun = time.monotonic()
    request = asyncio.run(_call(port, "/api/v1/requests", body, {**pipeline(company), **own}))
    _wait_for_facts(UUID(request["id"]))
    gathered = time.monotonic() - begun
    run = {"id": own["Idempotency-Key"], "attempt": 1}
    asked = orjson.dumps({"run": run, "digest": request["digest"]})
    begun = time.monotonic()
    path = f"/api/v1/requests/{request['id']}/redeem"
    asyncio.run(_call(port, path, asked, {**pipeline(company), **own}))
    return gathered, time.monotonic() - begun


async def _call(port: int, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    connection = await Connection.open(port)
    answer = await connection.call("POST", path, body, headers)
    await connection.close()
    if answer.status not in {200, 201}:
        raise RuntimeError(f"{path} was answered with {answer.status}: {answer.body[:300]!r}")
    return answer.json()


def _wait_for_facts(request: UUID) -> None:
    known = Reading.objects.filter(request=request, state=Reading.State.KNOWN)
    ends = time.monotonic() + WAITS
    while known.count() < SOURCES:
        if time.monotonic() > ends:
            raise RuntimeError("the facts did not come")
        time.sleep(0.002)


@contextmanager
def _worker(base: Database) -> Iterator[None]:
    schedule = Path(base.environment["COUNTERSIGN_HOME"]) / "beat-schedule"
    arguments = ("-m", "portal.runner.worker", "portal.config.celery:app", schedule)
    process = launch(Command(python(*arguments), base.environment, CHECKOUT))
    try:
        yield
    finally:
        process.stop()


@contextmanager
def _slow_systems() -> Iterator[str]:
    """The address of a server that answers `/N/...` after N of nine parts of the slowest's time."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Slow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        number = int(self.path.split("/")[1])
        time.sleep(0.05 + (SLOWEST - 0.05) * number / (SOURCES - 1))
        body = b'{"value": 0.5}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""
