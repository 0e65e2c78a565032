"""Settings of the runner and its state directory."""

import os
import socket
from pathlib import Path

import pytest

from portal.runner.home import HomeError, only_run, secret_key_file
from portal.runner.options import CHECKOUT, OptionError, check_port, read_options


def test_the_defaults_are_port_8000_and_a_folder_in_the_checkout():
    options = read_options({})
    assert (options.port, options.home) == (8000, CHECKOUT / ".countersign")
    assert (options.url, options.demo) == ("http://127.0.0.1:8000", True)


def test_the_owner_of_a_database_of_your_own_is_the_app_unless_told_otherwise():
    one = read_options({"DATABASE_URL": "postgresql://app@db/c"})
    assert one.owner_url == "postgresql://app@db/c"
    two = read_options(
        {"DATABASE_URL": "postgresql://app@db/c", "DATABASE_OWNER_URL": "postgresql://owner@db/c"}
    )
    assert two.owner_url == "postgresql://owner@db/c"


def test_children_never_see_the_address_of_the_owner(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://owner@db/c")
    environment = read_options({}).environment(
        database_url="postgresql://app@db/c", broker_url="redis://b", secret=tmp_path / "key"
    )
    assert "DATABASE_OWNER_URL" not in environment
    assert environment["DATABASE_URL"] == "postgresql://app@db/c"
    assert environment["DJANGO_SETTINGS_MODULE"] == "portal.config.settings"


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80 80"])
def test_a_port_that_is_no_port_is_named(port):
    with pytest.raises(OptionError, match="PORT must be a number from 1 to 65535"):
        read_options({"PORT": port})


def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=rf"Cannot listen on 127.0.0.1:{port} .* Set PORT"):
            check_port(read_options({"PORT": str(port)}))


def test_the_secret_key_is_made_once_and_private(place):
    path = secret_key_file(place)
    first = path.read_text()
    assert len(first) > 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret_key_file(place).read_text() == first
    assert [found.name for found in place.iterdir()] == ["secret-key"]


def test_a_second_run_in_the_same_directory_is_refused(place):
    refused = pytest.raises(HomeError, match=rf"process {os.getpid()}")
    with only_run(place), refused, only_run(place):
        pytest.fail("two runs at once")
    with only_run(place):
        assert (place / "run.lock").read_text() == f"{os.getpid()}\n"
    assert (place / "run.lock").read_text() == ""


def test_a_state_directory_that_cannot_be_made_is_named(place):
    file = place / "file"
    file.write_text("")
    refused = pytest.raises(HomeError, match="Choose another COUNTERSIGN_HOME")
    with refused, only_run(Path(file, "below")):
        pytest.fail("a folder below a file")
