"""WSGI under ASGI: pages and short calls run in a fixed pool of threads.

Django's own ASGI handler costs synchronous pages two to four times the CPU; this keeps one port and
one process for pages, long polls and streams.
"""

import asyncio
import contextlib
import io
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

from approvals.ci.problems import problem
from portal.kernel.asgi import Receive, Scope, Send, TooLarge, gone, read_body, send_response

MAX_BODY = 10 * 1024 * 1024
MOST_BUFFERED = 4 * 1024 * 1024  # static files are shorter
WRITE_SECONDS = 30.0
Start = dict[str, Any]
WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Bridge:
    """An ASGI application that answers with a WSGI one, in `pool`."""

    def __init__(self, application: WSGI, pool: ThreadPoolExecutor) -> None:
        self._application = application
        self._pool = pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive, MAX_BODY)
        except TooLarge:
            await _too_large(send)
            return
        except ConnectionError:
            return
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(
            self._pool, self._run, _environ(scope, body), receive, send, loop
        )
        if answer is not None:
            with contextlib.suppress(
                TimeoutError
            ):  # who does not read gets no more; no thread waits
                await asyncio.wait_for(_send_whole(send, *answer), WRITE_SECONDS)

    def _run(
        self,
        environ: dict[str, Any],
        receive: Receive,
        send: Send,
        loop: asyncio.AbstractEventLoop,
    ) -> tuple[Start, bytes] | None:
        """In a pool thread: a bounded response is returned whole, a long one sent piece by piece.

        A thread must never wait for a client that does not read: six of them would stop the portal.
        """
        start: Start = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            start["status"] = int(status.split(" ", 1)[0])
            start["headers"] = [
                (name.lower().encode("latin-1"), value.strip().encode("latin-1"))
                for name, value in headers
            ]

        response = self._application(environ, start_response)
        try:
            if not getattr(response, "streaming", False) or _length(start) <= MOST_BUFFERED:
                return start, b"".join(response)
            self._stream(start, response, receive, send, loop)
            return None
        finally:
            close = getattr(response, "close", None)
            if close is not None:
                close()

    def _stream(
        self,
        start: Start,
        response: Iterable[bytes],
        receive: Receive,
        send: Send,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Wholly in this thread (a database cursor belongs to it), each piece within its time.

        Nothing more is made once the client hung up: sending to it would fail silently.
        """
        left = asyncio.run_coroutine_threadsafe(_left(receive), loop)

        def deliver(message: dict[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(
                send(message),  # type: ignore[arg-type]
                loop,
            ).result(timeout=WRITE_SECONDS)

        try:
            deliver({"type": "http.response.start", **start})
            for part in response:
                if left.done():
                    return
                deliver({"type": "http.response.body", "body": part, "more_body": True})
            deliver({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return
        finally:
            left.cancel()


async def _left(receive: Receive) -> None:
    await gone(receive)


async def _send_whole(send: Send, start: Start, body: bytes) -> None:
    await send({"type": "http.response.start", **start})
    await send({"type": "http.response.body", "body": body})


def _length(start: Start) -> int:
    """The announced length of a streaming response; unknown counts as long."""
    found = [value for name, value in start["headers"] if name == b"content-length"]
    return int(found[0]) if found else MOST_BUFFERED + 1


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    server = scope.get("server") or ("127.0.0.1", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(scope["raw_path"].decode("latin-1").split("?")[0], "latin-1")
        if scope.get("raw_path")
        else scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(body)),
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:
            continue  # would look like another header with a hyphen (spoofing)
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        if name == "CONTENT_LENGTH":
            continue
        key = name if name == "CONTENT_TYPE" else f"HTTP_{name}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


async def _too_large(send: Send) -> None:
    sentence = f"The body is over {MAX_BODY} bytes. Send less."
    await send_response(send, problem(413, "too-large", sentence))
