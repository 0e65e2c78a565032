"""The demo's monitoring: it answers with a file that moves, on a port that stays."""

import json
import socket
import subprocess
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from portal.runner.metrics import HOST, Metrics
from portal.runner.options import CHECKOUT

SCRIPT = CHECKOUT / "plugins" / "demo" / "set-error-rate.sh"


@pytest.fixture
def serving():
    started = []

    def start(folder):
        started.append(Metrics(folder))
        return started[-1]

    yield start
    for metrics in started:
        stop(metrics)


def stop(metrics):
    metrics.shutdown()
    metrics.server_close()


def error_rate(port):
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=5) as answer:
        return json.load(answer)["error_rate"]


def test_it_answers_with_what_the_script_says_while_it_runs(serving, place):
    port = serving(place).server_address[1]
    assert error_rate(port) == 0.004
    subprocess.run(["sh", SCRIPT, place, "0.08"], check=True)
    assert error_rate(port) == 0.08


def test_a_caller_that_hangs_up_does_not_end_it(serving, place):
    port = serving(place).server_address[1]
    with socket.create_connection((HOST, port)) as caller:
        caller.sendall(b"GET /")
    assert error_rate(port) == 0.004


def test_it_says_that_it_is_away_while_the_file_is_missing(serving, place):
    metrics = serving(place)
    metrics.file.unlink()
    with pytest.raises(HTTPError, match="503"):
        error_rate(metrics.server_address[1])


def test_the_port_stays_while_nobody_else_has_it(serving, place):
    first = serving(place)
    port = first.server_address[1]
    first.file.write_text('{"error_rate": 0.5}')
    stop(first)
    second = serving(place)
    assert second.server_address[1] == port
    assert error_rate(port) == 0.5
    stop(second)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((HOST, port))
        other.listen()
        assert serving(place).server_address[1] != port
