"""The HTTP floor: `python -m bench.floor`, on $PORT. The least a server on this stack can do.

A bare ASGI process under the same server as the portal. `POST /n` updates one row and notifies in
one committed statement; a `GET /n` that is parked in another connection answers.
"""

import asyncio
import os
from collections import defaultdict
from typing import Any

import psycopg
import uvicorn
from psycopg_pool import AsyncConnectionPool

ROWS = 1_000
TABLE = f"""
CREATE TABLE IF NOT EXISTS bench_floor (id int PRIMARY KEY, version bigint NOT NULL);
INSERT INTO bench_floor SELECT n, 1 FROM generate_series(0, {ROWS - 1}) AS n ON CONFLICT DO NOTHING;
"""
CHANGE = """
WITH moved AS (UPDATE bench_floor SET version = version + 1 WHERE id = %s RETURNING id)
SELECT pg_notify('bench_floor', id::text) FROM moved
"""


class Floor:
    """The application."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = AsyncConnectionPool(url, open=False, kwargs={"autocommit": True})
        self._parked: dict[str, set[asyncio.Event]] = defaultdict(set)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        row = scope["path"].strip("/")
        if scope["method"] == "POST":
            async with self._pool.connection() as connection:
                await connection.execute(CHANGE, [int(row)])
        else:
            await self._park(row)
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    async def _park(self, row: str) -> None:
        changed = asyncio.Event()
        self._parked[row].add(changed)
        try:
            await changed.wait()
        finally:
            self._parked[row].discard(changed)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await self._pool.open()
        async with self._pool.connection() as connection:
            await connection.execute(TABLE)
        listening = asyncio.create_task(self._listen())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        listening.cancel()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        await connection.execute("LISTEN bench_floor")
        async for notification in connection.notifies():
            for changed in self._parked[notification.payload]:
                changed.set()


def main() -> None:
    """Serve until stopped, configured like the portal's server."""
    uvicorn.run(
        Floor(os.environ["BENCH_OWNER_URL"]), host="127.0.0.1", port=int(os.environ["PORT"]),
        lifespan="on", access_log=False, log_level="critical", timeout_keep_alive=65,
        timeout_graceful_shutdown=1,
    )  # fmt: skip


if __name__ == "__main__":
    main()
