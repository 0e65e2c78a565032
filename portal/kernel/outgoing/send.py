"""One call: everything about it is limited, and whatever goes wrong is one exception."""

import http.client
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.errors import MissingHeaderBodySeparatorDefect as _Cut
from typing import cast

from portal.kernel.outgoing.address import Address, NoAddress, parse_address
from portal.kernel.outgoing.failed import OutgoingFailed, in_words
from portal.kernel.outgoing.reach import Reach
from portal.kernel.outgoing.wire import Deadline, Wire, connected

MOST_BYTES = 4 * 1024 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = {"host", "connection", "accept-encoding", "content-length", "transfer-encoding", "expect"}


@dataclass(frozen=True)
class Got:
    """An answer with whatever status; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def send(
    method: str,
    url: str,
    reach: Reach,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    seconds: float,
    most_bytes: int = MOST_BYTES,
) -> Got:
    """Ask `url` once; the whole call takes at most `seconds`, its answer `most_bytes`.

    A redirect is an answer like any other. Raises OutgoingFailed for everything that is not a
    complete, uncompressed answer of a host within `reach`.
    """
    try:
        address = parse_address(url)
    except NoAddress:
        raise OutgoingFailed("its address cannot be asked") from None
    reach.check(address)
    ours = _headers(address, headers or {})
    deadline = Deadline(seconds)
    with in_words(), connected(address, deadline, reach) as wire:
        return _ask(wire, method, address.target, ours, body, most_bytes)


def _headers(address: Address, asked: Mapping[str, str]) -> dict[str, str]:
    """What is sent. Raises OutgoingFailed for a header that would say something else as well."""
    for name, value in asked.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _OURS:
            raise OutgoingFailed("a header for it has a name that cannot be sent")
        if not value.isascii() or not value.isprintable():
            raise OutgoingFailed("a header for it has a value that cannot be sent")
    agent = {} if "user-agent" in map(str.lower, asked) else {"User-Agent": "Countersign"}
    ours = {"Host": address.authority, "Connection": "close", "Accept-Encoding": "identity"}
    return {**ours, **agent, **asked}


def _ask(
    wire: Wire, method: str, target: str, headers: Mapping[str, str], body: bytes, most_bytes: int
) -> Got:
    sock = cast(socket.socket, wire)
    connection = http.client.HTTPConnection("")
    connection.sock = sock
    connection.request(method, target, body or None, headers)
    # Not getresponse(): that closes the socket first, which only real sockets survive.
    response = http.client.HTTPResponse(sock, method=method)
    with response:
        response.begin()
        found = _received(response)
        content = response.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise OutgoingFailed(f"its answer is larger than {most_bytes // 1024} KiB")
        if response.length:  # read() of a number of bytes does not miss the rest
            raise http.client.IncompleteRead(b"", response.length)
        return Got(response.status, found, content)


def _received(response: http.client.HTTPResponse) -> dict[str, str]:
    """The answer's headers. Raises OutgoingFailed, HTTPException."""
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        if _CONTROL.search(value) or not _TOKEN.fullmatch(name):
            raise http.client.HTTPException
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    # The parser takes a line that is no header for the end of them.
    cut = any(isinstance(defect, _Cut) for defect in response.msg.defects)
    if cut or response.status < http.HTTPStatus.OK:
        raise http.client.HTTPException
    if response.length != 0 and found.get("content-encoding", "identity").lower() != "identity":
        raise OutgoingFailed("its server answers in a compressed form")
    return found
