"""A connection to a checked address on which every step ends at the same moment.

The name is resolved once, every address it has must be allowed, and those very addresses are
connected to, so that a second answer of the name service changes nothing. The certificate is
checked against the name. No proxy: one would resolve the name again.
"""

import io
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from typing import Any, TypeAlias

from portal.kernel.outgoing.address import Address
from portal.kernel.outgoing.failed import OutgoingFailed
from portal.kernel.outgoing.inside import is_inside
from portal.kernel.outgoing.reach import Reach

# A row of `socket.getaddrinfo`.
Row: TypeAlias = tuple[Any, Any, int, str, tuple[Any, ...]]


class Deadline:
    """The end of a whole call, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises TimeoutError when none are."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Wire:
    """What http.client needs of a socket, with a deadline: a timeout counts for each read only."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._sock.settimeout(self._deadline.left())
            rest = rest[self._sock.send(rest) :]

    def finish(self) -> None:
        """End TLS and wait until the other side ends it too, or hangs up: all was read then.

        Raises OSError where it broke off before.
        """
        if isinstance(self._sock, ssl.SSLSocket):
            self._sock.settimeout(self._deadline.left())
            with suppress(ssl.SSLEOFError):
                self._sock.unwrap()

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self._sock, self._deadline))


class _Incoming(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)


@contextmanager
def connected(address: Address, deadline: Deadline, reach: Reach) -> Iterator[Wire]:
    """A connection to `address`, which is within `reach`; inside the network only where that says.

    Raises OutgoingFailed, TimeoutError, ssl.SSLError.
    """
    rows = _resolve(address, deadline)
    if not reach.private and any(is_inside(str(row[4][0])) for row in rows):
        raise OutgoingFailed("its host is inside this network, which is not allowed")
    with closing(_connect(rows, deadline)) as plain:
        if not address.secure:
            yield Wire(plain, deadline)
            return
        # Ragged ends are errors: what was cut off must not look like the whole.
        with _trust(reach.authority).wrap_socket(
            plain,
            server_hostname=address.host,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
        ) as secure:
            secure.settimeout(deadline.left())
            secure.do_handshake()
            yield Wire(secure, deadline)


@lru_cache(maxsize=32)
def _trust(authority: str) -> ssl.SSLContext:
    """The certificates in `authority`, or where it is empty the system's (or SSL_CERT_FILE); read
    once: it takes longer than a call."""
    return ssl.create_default_context(cadata=authority or None)


def _resolve(address: Address, deadline: Deadline) -> list[Row]:
    """The name's addresses, asked in a thread: the name service knows no time limit."""
    answer: Future[list[Row]] = Future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            answer.set_result(list(found))
        except (OSError, UnicodeError) as problem:
            answer.set_exception(problem)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(deadline.left())
    except (socket.gaierror, UnicodeError):
        raise OutgoingFailed("its host is not known here", later=True) from None


def _connect(rows: list[Row], deadline: Deadline) -> socket.socket:
    """A socket to the first address that answers; each gets its share of the time left."""
    for index, row in enumerate(rows):
        share = deadline.left() / (len(rows) - index)
        with suppress(OSError):
            return _socket_to(row, share)
    deadline.left()
    raise OutgoingFailed("nothing answers at its address", later=True)


def _socket_to(row: Row, seconds: float) -> socket.socket:
    family, kind, protocol, _, place = row
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(seconds)
        sock.connect(place)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock
