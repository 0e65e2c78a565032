"""Decision committed -> the waiting pipeline has it, beside the HTTP floor.

The decision is a person's POST to the real server, the pipeline a parked call in another
connection. The clock starts at the time the decision's ledger entry carries (given by PostgreSQL
in the last statement before COMMIT, so the commit itself is in it) and ends when the whole answer
is read. The floor's clock runs from its POST to the parked answer. Both take turns, so that other
load on the machine meets both.
"""

import asyncio
import time
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async

from bench.company import browser, found_company, pipeline
from bench.figures import Figure, milliseconds, percentile
from bench.http import Connection
from bench.world import Database, floor, portal
from portal.ledger.models import Entry
from tests.factories import Company, ask

ROUNDS = 80
WAITING = 500
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def run(base: Database) -> list[Figure]:
    """Two figures: with one parked call, and with 500."""
    company = found_company()
    alice = {**browser(company.alice), **FORM}
    with portal(base) as portal_port, floor(base) as floor_port:
        return asyncio.run(_measure(company, alice, portal_port, floor_port))


async def _measure(
    company: Company, alice: dict[str, str], portal_port: int, floor_port: int
) -> list[Figure]:
    figures = []
    for waiting in (1, WAITING):
        requests = await sync_to_async(_ask_many)(company, waiting + ROUNDS)
        ours = _Portal(portal_port, pipeline(company), alice, requests)
        bare = Floor(floor_port)
        await ours.park(waiting)
        await bare.park(waiting)
        await ours.release()
        await bare.release()  # the first of each warms up
        took, least = [], []
        for _ in range(ROUNDS - 1):
            least.append(await bare.release())
            took.append(await ours.release())
        await ours.close()
        await bare.close()
        note = f"{milliseconds(took)}; floor {milliseconds(least)}"
        ratio = percentile(took, 0.95) / percentile(least, 0.95)
        name = f"decision to pipeline, {waiting} waiting, p95 / HTTP floor"
        figures.append(Figure(name, ratio, at_most=2, note=note))
    return figures


def _ask_many(company: Company, count: int) -> list[tuple[UUID, str]]:
    found = [ask(company) for _ in range(count)]
    return [(request.id, request.snapshot.digest) for request in found]


class Floor:
    """Parked calls on rows 0, 1, 2, ..; the oldest is released first."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._row = 0
        self._parked: list[tuple[int, Connection]] = []

    async def park(self, count: int) -> None:
        """Begin with `count` parked calls."""
        self._poster = await Connection.open(self._port)
        for _ in range(count):
            await self._park_one(await Connection.open(self._port))
        await asyncio.sleep(0.5)

    async def _park_one(self, connection: Connection) -> None:
        connection.send("GET", f"/{self._row}")
        self._parked.append((self._row, connection))
        self._row += 1

    async def release(self) -> float:
        """Seconds from a POST to the answer of the call parked on its row."""
        row, connection = self._parked.pop(0)
        begun = time.time()
        self._poster.send("POST", f"/{row}")
        await connection.answer()
        took = time.time() - begun
        await self._poster.answer()
        await self._park_one(connection)
        await asyncio.sleep(0.01)
        return took

    async def close(self) -> None:
        """Hang up."""
        for _, connection in self._parked:
            await connection.close()
        await self._poster.close()


class _Portal:
    """Parked calls on requests; Alice decides on the oldest."""

    def __init__(
        self,
        port: int,
        pipeline: dict[str, str],
        browser: dict[str, str],
        requests: list[tuple[UUID, str]],
    ) -> None:
        self._port = port
        self._pipeline = pipeline
        self._browser = browser
        self._requests = requests
        self._parked: list[tuple[UUID, str, Connection]] = []

    async def park(self, count: int) -> None:
        self._person = await Connection.open(self._port)
        for _ in range(count):
            await self._park_one(await Connection.open(self._port))
        await asyncio.sleep(0.5 + count / 100)

    async def _park_one(self, connection: Connection) -> None:
        request, digest = self._requests.pop(0)
        path = f"/api/v1/requests/{request}?wait=60&after=2"
        connection.send("GET", path, headers=self._pipeline)
        self._parked.append((request, digest, connection))

    async def release(self) -> float:
        request, digest, connection = self._parked.pop(0)
        form = {"outcome": "approve", "snapshot": digest, "comment": "Looks right"}
        self._person.send(
            "POST", f"/requests/{request}/decide", urlencode(form).encode(), self._browser
        )
        answer = await connection.answer()
        ended = time.time()
        if answer.json()["status"] != "approved":
            raise RuntimeError(f"the parked call answered {answer.status} {answer.body[:200]!r}")
        page = await self._person.answer()
        if page.status != 200:
            raise RuntimeError(f"the decision was answered with {page.status}")
        committed = await sync_to_async(_decided_at)(request)
        if self._requests:
            await self._park_one(connection)
        await asyncio.sleep(0.02)
        return ended - committed

    async def close(self) -> None:
        for _, _, connection in self._parked:
            await connection.close()
        await self._person.close()


def _decided_at(request: UUID) -> float:
    entry = Entry.objects.filter(request=request, type="request.approved").get()
    return entry.at.timestamp()
