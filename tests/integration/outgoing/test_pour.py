"""Bytes for a server that answers nothing: they count as told only when it has read them."""

import pytest

from portal.kernel.outgoing import OutgoingFailed, Reach, parse_address, pour
from tests.outside import Authority
from tests.syslog import Syslog

DATA = b"5 hello" * 50_000


@pytest.fixture
def listening(authority):
    """Makes servers of certain manners."""
    servers = []

    def start(manners="polite", name="127.0.0.1"):
        servers.append(Syslog(authority.server(name), manners))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def tell(server, authority, private=True, scheme="https"):
    reach = Reach(frozenset({server.host}), private, authority)
    pour(DATA, parse_address(f"{scheme}://{server.host}"), reach, seconds=10)


def failure(*arguments, **more):
    with pytest.raises(OutgoingFailed) as caught:
        tell(*arguments, **more)
    return str(caught.value)


@pytest.mark.parametrize("manners", ["polite", "curt"])
def test_all_was_read_when_it_returns(listening, authority, manners):
    server = listening(manners)
    tell(server, authority.file.read_text())
    server.close()  # waits for its thread
    assert b"".join(server.told) == DATA


def test_a_connection_that_is_reset_is_no_success(listening, authority):
    server = listening("broken")
    assert "breaks off" in failure(server, authority.file.read_text())


def test_only_the_authority_that_was_given_is_trusted(listening, trusted, tmp_path):
    tell(listening(), "")
    other = Authority(tmp_path)
    assert failure(listening(), other.file.read_text()) == "its certificate is not accepted"


def test_the_certificate_is_checked_against_the_name(listening, authority):
    server = listening(name="other.example")
    assert failure(server, authority.file.read_text()) == "its certificate is not accepted"
    assert server.told == []


def test_nothing_goes_out_in_the_clear_or_inside_this_network(listening, authority):
    server, trust = listening(), authority.file.read_text()
    assert "secure" in failure(server, trust, scheme="http")
    assert "inside this network" in failure(server, trust, private=False)
    assert server.told == []
