"""A syslog server over TLS (RFC 5425) on loopback, which keeps what it is told."""

import socket
import ssl
import struct
import threading
from contextlib import closing, suppress

NOW = struct.pack("ii", 1, 0)  # SO_LINGER: hang up at once, which resets the connection


class Syslog:
    """`told` holds the bytes of each connection. `manners`: `polite` ends TLS as one should,
    `curt` just hangs up at the end, `broken` resets in the middle."""

    def __init__(self, tls, manners="polite"):
        self.told, self.manners, self._tls = [], manners, tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def messages(self):
        """Every message, in order. Raises where the framing is wrong."""
        return [message for data in self.told for message in unframed(data)]

    def _serve(self):
        while True:
            try:
                sock = self._listening.accept()[0]
            except OSError:  # closed
                return
            with closing(sock), suppress(OSError):
                sock.settimeout(10)
                with closing(self._tls.wrap_socket(sock, server_side=True)) as wire:
                    self._listen(wire)

    def _listen(self, wire):
        data = b""
        while part := wire.recv(65536):
            data += part
            if self.manners == "broken":
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
                return
        self.told.append(data)
        if self.manners == "polite":
            with suppress(ssl.SSLError):
                wire.unwrap()

    def close(self):
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


def unframed(data):
    """The messages of octet counting (RFC 6587, 5425): each `LENGTH SP MESSAGE`."""
    found = []
    while data:
        length, _, rest = data.partition(b" ")
        assert length.isdigit() and not length.startswith(b"0"), data[:40]
        size = int(length)
        assert len(rest) >= size
        found.append(rest[:size].decode())
        data = rest[size:]
    return found
