"""Which forge a connection reads: accounts of one must never count for another."""

import pytest

from approvals.models import Connection
from approvals.requesters import forge_of


@pytest.mark.parametrize(
    ("kind", "url", "host"),
    [
        ("github", "https://api.github.com", "github.com"),
        ("github", "https://API.github.com:443/", "github.com"),
        ("github", "https://ghe.example.com/api/v3", "ghe.example.com"),
        ("gitlab", "https://gitlab.com/", "gitlab.com"),
        ("gitlab", "https://git.example.com:8443/gitlab", "git.example.com:8443/gitlab"),
    ],
)
def test_the_host_is_where_the_forge_stands(kind, url, host):
    assert forge_of(Connection(kind=kind, settings={"url": url})) == (kind, host)


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("gitlab", "https://gitlab.com/mallory/keys/-/raw/main"),
        ("gitlab", "http://gitlab.com"),
        ("gitlab", "https://gitlab.com.example.com"),
        ("github", "https://api.github.com/repos/mallory"),
        ("github", "https://github.com/mallory/keys/api/v3"),
        ("github", "http://api.github.com"),
    ],
)
def test_an_address_below_it_or_in_the_clear_is_another_place(kind, url):
    """There somebody else could answer in the forge's name."""
    assert forge_of(Connection(kind=kind, settings={"url": url}))[1] not in {
        "github.com",
        "gitlab.com",
    }


def test_what_is_no_forge_has_none():
    assert forge_of(Connection(kind="http_json", settings={"url": "https://github.com"})) is None
