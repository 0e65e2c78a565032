"""`python -m portal.runner.metrics FILE PORT`: the demo's monitoring system.

Answers every GET with the JSON of FILE, which anybody may change while it runs: so facts move, and
drift can be seen. On loopback only.
"""

import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HOST = "127.0.0.1"
CALM = '{"error_rate": 0.004, "latency_p95_ms": 180}\n'


def prepare_metrics(folder: Path) -> tuple[Path, int]:
    """The file to answer with, and the port: the one of the last start, where it is free."""
    folder.mkdir(parents=True, exist_ok=True)
    file, kept = folder / "metrics.json", folder / "metrics.port"
    if not file.exists():
        file.write_text(CALM)
    port = _free_port(int(kept.read_text())) if kept.exists() else _free_port(0)
    kept.write_text(str(port))
    return file, port


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class _Answer(BaseHTTPRequestHandler):
    file: Path

    def do_GET(self) -> None:
        try:
            body = self.file.read_bytes()
        except OSError:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: it is asked every half minute."""


def main(file: str, port: str) -> None:
    """Serve until stopped."""
    _Answer.file = Path(file)
    HTTPServer((HOST, int(port)), _Answer).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
