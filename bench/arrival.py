"""POST -> the row on a reviewer's open page, beside the HTTP floor.

The clock runs from the pipeline's POST to the moment the row's fragment is read: the event comes on
the open stream, the page asks for the row as `live.js` does. The verdict needs no remote fact. The
floor is that of `bench.release`; both take turns.
"""

import asyncio
import time
from collections.abc import AsyncIterator

from bench.company import browser, found_company, pipeline, submission
from bench.figures import Figure, milliseconds, percentile
from bench.http import Connection
from bench.release import Floor
from bench.world import Database, floor, portal

ROUNDS = 80


def run(base: Database) -> list[Figure]:
    """One figure."""
    company = found_company()
    calls, alice = pipeline(company), browser(company.alice)
    with portal(base) as portal_port, floor(base) as floor_port:
        return asyncio.run(_measure(calls, alice, portal_port, floor_port))


async def _measure(
    calls: dict[str, str], alice: dict[str, str], portal_port: int, floor_port: int
) -> list[Figure]:
    page = await _Page.open(portal_port, alice)
    poster = await Connection.open(portal_port)
    bare = Floor(floor_port)
    await bare.park(1)
    took, posts, least = [], [], []
    for _ in range(ROUNDS + 3):  # the first ones warm up
        least.append(await bare.release())
        whole, post = await _arrive(page, poster, calls)
        took.append(whole)
        posts.append(post)
    await bare.close()
    took, posts, least = took[3:], posts[3:], least[3:]
    ratio = percentile(took, 0.95) / percentile(least, 0.95)
    note = f"{milliseconds(took)}; floor {milliseconds(least)}"
    return [
        Figure("POST to row on an open page, p95 / HTTP floor", ratio, at_most=3, note=note),
        Figure(
            "of that, the POST's own answer, p95 / HTTP floor",
            percentile(posts, 0.95) / percentile(least, 0.95),
            note=milliseconds(posts),
        ),
    ]


async def _arrive(page: "_Page", poster: Connection, calls: dict[str, str]) -> tuple[float, float]:
    """Seconds until the row is read, and until the POST is answered."""
    body, own = submission("production")
    begun = time.perf_counter()
    answering = asyncio.create_task(_post(poster, body, {**calls, **own}))
    await page.row()
    whole = time.perf_counter() - begun
    post = await answering - begun
    await asyncio.sleep(0.02)
    return whole, post


async def _post(poster: Connection, body: bytes, headers: dict[str, str]) -> float:
    answer = await poster.call("POST", "/api/v1/requests", body, headers)
    if answer.status != 201:
        raise RuntimeError(f"the POST was answered with {answer.status}")
    return time.perf_counter()


class _Page:
    """An open queue: its stream, and a connection to read rows with."""

    def __init__(self, reader: Connection, events: AsyncIterator[dict[str, object]],
                 cookies: dict[str, str]) -> None:  # fmt: skip
        self._reader = reader
        self._events = events
        self._cookies = cookies

    @classmethod
    async def open(cls, port: int, cookies: dict[str, str]) -> "_Page":
        stream = await Connection.open(port)
        stream.send("GET", "/live", headers=cookies)
        events = stream.events()
        await anext(events)  # resync: the stream stands
        return cls(await Connection.open(port), events, cookies)

    async def row(self) -> None:
        """Wait for one event and read the row that it names."""
        while "request" not in (event := await anext(self._events)):
            pass
        path = f"/queue/rows/{event['request']}?tab=all"
        answer = await self._reader.call("GET", path, headers=self._cookies)
        if answer.status != 200 or b"<li" not in answer.body:
            raise RuntimeError(f"the row was answered with {answer.status}")
