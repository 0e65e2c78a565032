"""A client that does not read holds nobody else up."""

import contextlib
import socket
from urllib.parse import urlsplit

ASKED = b"GET /cli/countersign.py HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def test_sockets_that_never_read_do_not_stop_the_portal(portal_server, committed):
    place = urlsplit(portal_server.url)
    with contextlib.ExitStack() as stack:
        for _ in range(10):  # more than the portal has threads for pages
            connection = socket.create_connection((place.hostname, place.port), timeout=5)
            stack.callback(connection.close)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with contextlib.suppress(OSError):
                connection.sendall(ASKED * 100)
        answer = portal_server.call("GET", "/healthz")
        assert (answer.status, answer.seconds < 10) == (200, True)


def test_an_origin_that_is_no_address_is_another_site(portal_server, committed):
    answer = portal_server.call("GET", "/live", None, Origin="http://[bad")
    assert answer.status == 403


def test_a_session_that_cannot_exist_is_nobody(portal_server, committed):
    answer = portal_server.call("GET", "/live", None, Cookie='countersign_session="\\000x"')
    assert answer.status == 401
