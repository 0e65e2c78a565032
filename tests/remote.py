"""An outside system for tests: HTTP on loopback, one answer for each path, everything counted."""

import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Says:
    """One answer. `broken`: the connection ends in its middle. `after`: wait for this event."""

    body: object = None
    status: int = 200
    headers: dict = field(default_factory=dict)
    broken: bool = False
    after: threading.Event | None = None


class Remote:
    """Says `paths[path]` (an answer, or a function of the request's headers that makes one).

    `asked` holds (method, path with query, headers in lower case, body) of every request.
    """

    def __init__(self):
        self.paths, self.asked, self._guard = {}, [], threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def says(self, path, headers):
        """The answer to one request; `path` with its query."""
        says = self.paths.get(path.partition("?")[0], Says(status=404))
        return says(headers) if callable(says) else says

    def count(self, path=""):
        """How often it was asked, in all or for one path."""
        return sum(asked[1].partition("?")[0] == path or not path for asked in self.asked)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def _handler_of(remote):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            size = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            with remote._guard:
                remote.asked.append((self.command, self.path, headers, self.rfile.read(size)))
            with suppress(OSError):
                self._say(remote.says(self.path, headers))

        do_POST = do_GET

        def _say(self, says):
            if says.after:
                says.after.wait(10)
            raw = isinstance(says.body, bytes)
            body = says.body if raw else json.dumps(says.body).encode()
            body = b"" if says.status == 304 else body
            self.send_response(says.status)
            for name, value in {"Content-Length": str(len(body)), **says.headers}.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")  # said, or a client may ask on it again
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if says.broken else body)

        def log_message(self, *_):
            pass

    return Handler
