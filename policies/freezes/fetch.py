"""One GET of a calendar from outside, that must not reach inside.

https only; the name is resolved first, every address it has must be a public one, and that very
address is connected to, so that a second answer of the name service changes nothing. No redirects,
no proxy, no compression, an end to time and size. Hosts that an administrator lists
(COUNTERSIGN_CALENDAR_HOSTS) may be inside, and may speak http.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import cast
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from policies.freezes.ical import MAX_BYTES
from policies.freezes.problems import CalendarError
from portal.kernel.text import text_problem

MAX_ADDRESS = 1_000
SECONDS = 10.0
_PORTS = {"https": 443, "http": 80}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class FetchFailed(Exception):
    """The calendar could not be read; the sentence is fit for people and names no address."""


@dataclass(frozen=True)
class Fetched:
    """The answer: `body` is None when nothing changed (304)."""

    body: bytes | None
    etag: str = ""
    last_modified: str = ""


def is_listed(parts: SplitResult) -> bool:
    """Whether an administrator vouches for this host, as `host` or `host:port`."""
    host = (parts.hostname or "").lower()
    return bool({host, f"{host}:{_port(parts)}"} & set(settings.CALENDAR_HOSTS))


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS.get(parts.scheme, 0)


def check_address(url: str) -> SplitResult:
    """The parts of an address that may be asked. Raises CalendarError; asks nobody."""
    try:
        if len(url) > MAX_ADDRESS or not url.isascii() or text_problem(url) or " " in url:
            raise ValueError(url)
        parts = urlsplit(url)
        port = _port(parts)
    except ValueError:
        raise CalendarError("This is no address; one begins with https://.", "url") from None
    if not parts.hostname or not port or parts.scheme not in _PORTS:
        raise CalendarError("The address must begin with https://.", "url")
    if parts.username is not None or parts.password is not None:
        raise CalendarError("An address with a user name or password is not accepted.", "url")
    if parts.scheme == "http" and not is_listed(parts):
        raise CalendarError("The address must begin with https://.", "url")
    return parts


def is_inside(address: str) -> bool:
    """Whether an IP address is anything but a public one; what embeds another is read as that."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if embedded is not None:
            return is_inside(str(embedded))
    return not ip.is_global or ip.is_multicast or ip.is_reserved


def _resolve(parts: SplitResult) -> str:
    """An address of the host. Raises FetchFailed when one of its addresses is not public."""
    try:
        found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchFailed("its host is not known here") from None
    addresses = [str(row[4][0]) for row in found]
    if not is_listed(parts) and any(is_inside(address) for address in addresses):
        raise FetchFailed("its host is inside this network, which is not allowed")
    return addresses[0]


class _Connection(http.client.HTTPConnection):
    """Connects to `address`, whatever the name says by now."""

    def __init__(self, parts: SplitResult, address: str) -> None:
        super().__init__(cast(str, parts.hostname), _port(parts), timeout=SECONDS)
        self._address = address
        self._secure = parts.scheme == "https"
        self.late = False

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = plain
        if self._secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=self.host)

    def cut(self) -> None:
        """End it from outside: time is over."""
        self.late = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                self.sock.close()


def fetch(url: str, etag: str = "", last_modified: str = "") -> Fetched:
    """Read `url`, unless it is as it was. Raises FetchFailed, CalendarError."""
    parts = check_address(url)
    connection = _Connection(parts, _resolve(parts))
    # A timeout counts for each read only: a server that drips would never be done.
    watch = threading.Timer(SECONDS, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        return _ask(connection, parts, etag, last_modified)
    except ssl.SSLError:
        raise FetchFailed("its certificate is not accepted") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise FetchFailed("nothing usable answers at its address in time") from None
    finally:
        watch.cancel()
        connection.close()


def _ask(connection: _Connection, parts: SplitResult, etag: str, modified: str) -> Fetched:
    headers = {"Accept": "text/calendar", "Accept-Encoding": "identity",
               "User-Agent": f"Countersign/{settings.VERSION}"}  # fmt: skip
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": modified} if modified else {}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", target, headers=headers)
    response = connection.getresponse()
    if response.status == http.HTTPStatus.NOT_MODIFIED and (etag or modified):
        return Fetched(None, etag, modified)
    if response.status != http.HTTPStatus.OK:
        raise FetchFailed(f"its server answers {response.status}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchFailed("its server answers in a compressed form")
    body = response.read(MAX_BYTES + 1)
    if connection.late:  # what was cut off may look like the whole
        raise TimeoutError
    if len(body) > MAX_BYTES:
        raise FetchFailed(f"it is larger than {MAX_BYTES // 1024} KiB")
    return Fetched(body, _kept(response, "ETag", 500), _kept(response, "Last-Modified", 100))


def _kept(response: http.client.HTTPResponse, name: str, most: int) -> str:
    """A header to send again next time; nothing where it could not be stored or sent."""
    value = response.headers.get(name, "")
    return value if len(value) <= most and value.isascii() and value.isprintable() else ""
