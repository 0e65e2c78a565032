"""The demo's monitoring system, a thread of the runner.

Answers every GET with the JSON of a file, which anybody may change while it runs: so facts move,
and drift can be seen. On loopback only. By hand on a socket, because `http.server` would cost the
runner as much memory as all the rest of it.
"""

import contextlib
import threading
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer

HOST = "127.0.0.1"
CALM = '{"error_rate": 0.004, "latency_p95_ms": 180}\n'
LONGEST_LINE = 4_096
PATIENCE = 5.0  # seconds for a whole request: one caller is served at a time


class _Answer(StreamRequestHandler):
    server: "Metrics"
    timeout = PATIENCE

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the caller went away: the next one is served
            while self.rfile.readline(LONGEST_LINE).strip():
                pass
            self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        try:
            status, body = "200 OK", self.server.file.read_bytes()
        except OSError:
            status, body = "503 Service Unavailable", b""
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body


class Metrics(TCPServer):
    """Serves `folder`/metrics.json until the process ends or `shutdown`.

    Its port is the one of the last start, where that is free.
    """

    allow_reuse_address = True

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file, kept = folder / "metrics.json", folder / "metrics.port"
        if not self.file.exists():
            self.file.write_text(CALM)
        super().__init__((HOST, 0), _Answer, bind_and_activate=False)
        self._bind(int(kept.read_text()) if kept.exists() else 0)
        kept.write_text(str(self.server_address[1]))
        self.server_activate()
        threading.Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}/metrics"

    def _bind(self, wanted: int) -> None:
        try:
            self.server_address = (HOST, wanted)
            self.server_bind()
        except OSError:
            self.server_address = (HOST, 0)
            self.server_bind()
