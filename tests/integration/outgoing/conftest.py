"""Servers outside, in the clear and with certificates that the client trusts."""

import pytest

from portal.kernel.outgoing import wire
from tests.outside import Authority, Outside


@pytest.fixture
def outside():
    """A server in the clear."""
    server = Outside()
    yield server
    server.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority, monkeypatch):
    """The client trusts the authority, as with SSL_CERT_FILE in the environment at the start."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    wire._trust.cache_clear()
    yield authority
    wire._trust.cache_clear()


@pytest.fixture
def secure(authority):
    """Makes servers with a certificate for the names given."""
    servers = []

    def start(*names):
        servers.append(Outside(authority.server(*names)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
