"""5,000 open pages on one process: what each costs, and how soon the last one has the news.

The clock runs from the time that the POST's last ledger entry carries until each stream has read
the event. The reader of so many streams shares the machine, so the figures are those of both.
Memory is the server's own (RSS, Linux), before and with all of them; so it is for parked calls.
"""

import asyncio
import resource
import time
from pathlib import Path

from asgiref.sync import sync_to_async

from bench.company import browser, found_company, pipeline, submission
from bench.figures import Figure, percentile
from bench.http import Connection
from bench.world import Database, served
from portal.ledger.models import Entry
from tests.factories import ask

STREAMS = 5_000
AT_ONCE = 50  # connections being opened at a time
NEWS = 10
KIB = 1024
SETTLE = 3.0
PATIENCE = 20.0


def run(base: Database) -> list[Figure]:
    """Memory of each stream and of each parked call; the slowest of all to have the news."""
    _raise_open_files()
    company = found_company()
    calls, alice = pipeline(company), browser(company.alice)
    parked_on = ask(company)
    with served(base, "portal.config.server") as (port, pid):
        return asyncio.run(_measure(port, pid, calls, alice, str(parked_on.id)))


async def _measure(
    port: int, pid: int, calls: dict[str, str], alice: dict[str, str], parked_on: str
) -> list[Figure]:
    first = await _open_many(port, "/live", alice, 10)  # what only the first one costs
    least = _memory(pid)
    streams = await _open_many(port, "/live", alice, STREAMS)
    await asyncio.sleep(SETTLE)
    each = (_memory(pid) - least) / STREAMS / KIB
    took = await _fan_out(port, calls, [_Reader(one) for one in streams])
    with_streams = _memory(pid)
    path = f"/api/v1/requests/{parked_on}?wait=60&after=99"
    parked = await _open_many(port, path, calls, STREAMS)
    await asyncio.sleep(SETTLE)
    call = (_memory(pid) - with_streams) / STREAMS / KIB
    for connection in (*first, *streams, *parked):
        await connection.close()
    p99 = percentile(took, 0.99) * 1000
    note = f"p50 {percentile(took, 0.5) * 1000:.0f} ms, {NEWS} events"
    return [
        Figure(f"memory of each of {STREAMS:,} streams", each, " KiB", at_most=60),
        Figure(f"memory of each of {STREAMS:,} parked calls", call, " KiB", at_most=60),
        Figure(
            "POST committed to its event on all streams, p99", p99, " ms", at_most=500, note=note
        ),
    ]


async def _open_many(port: int, path: str, headers: dict[str, str], count: int) -> list[Connection]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def open_one() -> Connection:
        async with slots:
            connection = await Connection.open(port)
            connection.send("GET", path, headers=headers)
            return connection

    return list(await asyncio.gather(*(open_one() for _ in range(count))))


class _Reader:
    """Reads one stream for ever; remembers when it last had each request's event."""

    def __init__(self, connection: Connection) -> None:
        self.seen: dict[object, float] = {}
        self.standing = asyncio.Event()
        self._task = asyncio.create_task(self._read(connection))

    async def _read(self, connection: Connection) -> None:
        async for event in connection.events():
            self.standing.set()
            if "request" in event:
                self.seen.setdefault(event["request"], time.time())

    def stop(self) -> None:
        self._task.cancel()


async def _fan_out(port: int, calls: dict[str, str], readers: list[_Reader]) -> list[float]:
    """Seconds from each commit to each stream."""
    await asyncio.gather(*(reader.standing.wait() for reader in readers))
    poster, took = await Connection.open(port), []
    for _ in range(NEWS):
        body, own = submission("production")
        answer = await poster.call("POST", "/api/v1/requests", body, {**calls, **own})
        request = answer.json()["id"]
        async with asyncio.timeout(PATIENCE):
            while not all(request in reader.seen for reader in readers):
                await asyncio.sleep(0.5)
        committed = await sync_to_async(_last_entry)(str(request))
        took += [reader.seen[request] - committed for reader in readers]
    for reader in readers:
        reader.stop()
    await poster.close()
    return took


def _last_entry(request: str) -> float:
    entry = Entry.objects.filter(request=request).order_by("-id")[:1].get()
    return entry.at.timestamp()


def _raise_open_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _memory(pid: int) -> int:
    """Bytes resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * KIB
