"""One port: parked calls and streams as async, everything else as WSGI in a pool of threads."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
wsgi = get_wsgi_application()  # sets Django up; what follows imports models

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from approvals.ci.parked_gate import park_gate  # noqa: E402
from approvals.ci.wait import keep_telling, stream_news, wait_for_news  # noqa: E402
from approvals.lifecycle.receipt import ensure_signing_key  # noqa: E402
from approvals.views.stream import live  # noqa: E402
from portal.config.bridge import Bridge  # noqa: E402
from portal.config.celery import app as celery_app  # noqa: E402
from portal.kernel.asgi import Receive, Scope, Send  # noqa: E402
from portal.kernel.database import gives_back  # noqa: E402
from portal.ledger.listen import Hub  # noqa: E402

SLOW_THREADS = 8
# Files that are written while they are read may take hours: so many at a time, the others wait.
FILES, FILE_THREADS = "/audit/reports/files/", 2
celery_app.set_default()  # for services that wake workers from these threads


class Portal:
    """Routes by path; owns the hub and the thread pools.

    Redeeming reads remote sources, so it and the gate have threads of their own: a slow forge never
    holds up pages and decisions. Neither does who takes a long file out over a slow line.
    """

    def __init__(self) -> None:
        self.hub: Hub | None = None
        self._fast = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="web")
        self._slow = ThreadPoolExecutor(SLOW_THREADS, thread_name_prefix="slow")
        self._file = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="file")
        self._pages = Bridge(wsgi, self._fast)
        self._redeem = Bridge(wsgi, self._slow)
        self._files = Bridge(wsgi, self._file)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._route(scope)(scope, receive, send)

    def _route(self, scope: Scope) -> Any:
        if self.hub is None:
            raise RuntimeError("the server sends its lifespan events first")
        path, method = scope["path"], scope["method"]
        parked: dict[str, Any] = {"hub": self.hub, "in_pool": self._in_pool}
        if method == "GET" and path == "/live":
            return partial(live, **parked)
        if method == "POST" and path == "/api/v1/gate":
            return partial(park_gate, hub=self.hub, application=self._redeem)
        if path.startswith("/api/v1/requests/"):
            return self._route_request(path, method, scope, parked)
        return self._files if path.startswith(FILES) else self._pages

    def _route_request(self, path: str, method: str, scope: Scope, parked: dict[str, Any]) -> Any:
        tail = path.removeprefix("/api/v1/requests/")
        one, _, verb = tail.partition("/")
        try:
            request_id = UUID(one)
        except ValueError:
            return self._pages
        if method == "GET" and verb == "" and b"wait=" in scope["query_string"]:
            return partial(wait_for_news, request_id=request_id, **parked)
        if method == "GET" and verb == "stream":
            return partial(stream_news, request_id=request_id, **parked)
        return self._redeem if verb == "redeem" else self._pages

    async def _in_pool(self, function: Any, *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._fast, function, *arguments)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._in_pool(gives_back(ensure_signing_key))
        self.hub = Hub(_conninfo())
        tasks = [
            asyncio.create_task(self.hub.run()),
            asyncio.create_task(keep_telling(self.hub, self._in_pool)),
        ]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.hub.close()
        for task in tasks:
            task.cancel()
        for pool in (self._fast, self._slow, self._file):
            pool.shutdown(wait=False, cancel_futures=True)
        await send({"type": "lifespan.shutdown.complete"})


def _conninfo() -> dict[str, str]:
    """The live connection's own parameters: direct, never through the pool."""
    parameters = dict(connection.get_connection_params())
    wanted = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert")
    return {name: str(parameters[name]) for name in wanted if parameters.get(name)}


application = Portal()
