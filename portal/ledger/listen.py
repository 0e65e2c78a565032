"""The other end of the ledger's wake-ups: one LISTEN connection a process, many waiters.

A notification is a hint. Subscribe first, then read the row; whoever missed something (a lost
connection, a full queue) is told to read everything again.
"""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import orjson
import psycopg
from psycopg import sql

from portal.ledger.record import CHANNEL

log = logging.getLogger(__name__)

MOST_QUEUED = 256
TICK = 20.0  # seconds between signs of life asked of a silent database
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


@dataclass(frozen=True)
class News:
    """Something changed: ids only. Neither request nor person means: read everything again.

    `person` is somebody whose rights or sessions changed.
    """

    request: str = ""
    project: str = ""
    version: int = 0
    position: int = 0
    person: str = ""

    @property
    def resync(self) -> bool:
        return not self.request and not self.person


RESYNC = News()


class Watch:
    """One waiter's bounded queue; when it overflows, everything in it becomes one RESYNC."""

    def __init__(self) -> None:
        self._queue: deque[News] = deque()
        self._ready = asyncio.Event()

    def put(self, news: News) -> None:
        """Called from the event loop only."""
        if len(self._queue) >= MOST_QUEUED:
            self._queue.clear()
            news = RESYNC
        self._queue.append(news)
        self._ready.set()

    def wake(self) -> None:
        """Let `next` return now, with no news where there is none."""
        self._ready.set()

    async def next(self, timeout: float) -> News | None:
        """The next news, or None when `timeout` seconds, or `wake`, brought none."""
        if not self._queue:
            self._ready.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._ready.wait()
        return self._queue.popleft() if self._queue else None


class Hub:
    """Listens once, tells everybody. Lives in one event loop."""

    def __init__(self, conninfo: dict[str, str]) -> None:
        self._conninfo = conninfo
        self._by_request: dict[str, set[Watch]] = {}
        self._all: set[Watch] = set()
        self.closed = asyncio.Event()

    @contextlib.contextmanager
    def watch(self, request: str = "") -> Iterator[Watch]:
        """News of one request, or of all."""
        watch = Watch()
        group = self._by_request.setdefault(request, set()) if request else self._all
        group.add(watch)
        try:
            yield watch
        finally:
            group.discard(watch)
            if request and not group:
                self._by_request.pop(request, None)

    def tell(self, news: News) -> None:
        """Hand news to whoever watches it."""
        if news.resync:
            for group in [self._all, *self._by_request.values()]:
                for watch in group:
                    watch.put(news)
            return
        for watch in self._all:
            watch.put(news)
        self.tell_parked(news)

    def tell_parked(self, news: News) -> None:
        """Hand news to those who watch this one request only."""
        for watch in self._by_request.get(news.request, ()):
            watch.put(news)

    def watched(self) -> list[str]:
        """The requests somebody watches by themselves."""
        return list(self._by_request)

    def close(self) -> None:
        """The process ends: every waiter is told, so that it can answer before it goes."""
        self.closed.set()
        self.tell(RESYNC)

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is made again, and everybody reads again."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with await self._connect() as connection:
                    pause = FIRST_PAUSE
                    self.tell(RESYNC)
                    await self._listen(connection)
            except psycopg.Error as error:
                log.warning("lost the database for live updates: %s", str(error).strip()[:200])
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (jitter)
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _connect(self) -> "psycopg.AsyncConnection[tuple[object, ...]]":
        connection = await psycopg.AsyncConnection.connect(
            **self._conninfo,  # type: ignore[arg-type]
            autocommit=True, connect_timeout=5, keepalives=1, keepalives_idle=20,
            application_name="countersign live",
        )  # fmt: skip
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        return connection

    async def _listen(self, connection: "psycopg.AsyncConnection[tuple[object, ...]]") -> None:
        while True:
            async for notification in connection.notifies(timeout=TICK):
                self.tell(_parse(notification.payload))
            await connection.execute("SELECT 1")


def _parse(payload: str) -> News:
    try:
        found = orjson.loads(payload)
        if "person" in found:
            return News(person=str(UUID(found["person"])))
        request, project = (str(UUID(found[name])) for name in ("request", "project"))
        return News(request, project, int(found["version"]), int(found["position"]))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return RESYNC  # somebody else's message on our channel: reading again does no harm
