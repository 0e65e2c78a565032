"""Certificates are checked against the name, whatever address was connected to."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.kernel.outgoing import OutgoingFailed, Reach, send
from tests.outside import answer, names_lead_to

REACH = Reach(frozenset({"named.example", "other.example", "127.0.0.1"}), private=True)


@pytest.fixture(autouse=True)
def names(monkeypatch):
    names_lead_to(monkeypatch, named=[["127.0.0.1"]], other=[["127.0.0.1"]])


def get(url):
    return send("GET", url, REACH, seconds=10)


def failure(url):
    with pytest.raises(OutgoingFailed) as caught:
        get(url)
    return str(caught.value)


def test_the_name_is_told_to_the_server_and_checked(secure, trusted):
    server = secure("named.example")
    server.parts = [answer(b"safe")]
    assert get(server.url(host="named.example")).body == b"safe"
    assert server.names == ["named.example"]


def test_a_certificate_of_another_name_is_not_accepted(secure, trusted):
    server = secure("named.example")
    assert failure(server.url(host="other.example")) == "its certificate is not accepted"
    assert server.asked == []


def test_a_certificate_is_checked_for_a_bare_address_too(secure, trusted):
    assert get(secure("127.0.0.1").url()).status == 200
    assert failure(secure("named.example").url()) == "its certificate is not accepted"


def test_an_authority_that_nobody_trusts_is_not_accepted_although_inside_is_allowed(secure):
    server = secure("named.example")
    assert failure(server.url(host="named.example")) == "its certificate is not accepted"


def test_what_is_cut_off_does_not_pass_for_the_whole(secure, trusted):
    server = secure("named.example")
    server.parts = [b"HTTP/1.1 200 OK\r\n\r\n", b"half of it"]
    assert failure(server.url(host="named.example")) == "its server's answer breaks off"


def test_a_server_without_certificate_is_said_to_have_none(outside, trusted):
    url = outside.url(host="named.example").replace("http:", "https:")
    assert "secure connection" in failure(url)


def test_calls_of_many_threads_do_not_mix(secure, trusted):
    servers = [secure("127.0.0.1") for _ in range(3)]
    for server in servers:
        server.parts = [answer(server.host.encode())]
    with ThreadPoolExecutor(6) as pool:
        bodies = list(pool.map(lambda server: get(server.url()).body.decode(), servers * 4))
    assert bodies == [server.host for server in servers * 4]
