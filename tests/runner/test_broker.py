"""The embedded broker: what it acknowledged is there after a kill."""

import os
import signal
import socket
from pathlib import Path

import pytest
import redis

from portal.runner.broker import BrokerError, embedded_broker, prepare_broker
from portal.runner.places import SOCKET_PATH_BYTES
from portal.runner.process import launch


def client(url: str) -> redis.Redis:
    return redis.Redis(unix_socket_path=url.removeprefix("redis+socket://"))


def test_what_the_broker_acknowledged_survives_kill_9(place, eventually):
    broker = prepare_broker(place)
    process = launch(broker.command())
    eventually(broker.answers, "the broker is up")
    with client(broker.url) as queue:
        queue.lpush("tasks", *range(100))
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == 128 + signal.SIGKILL
    with embedded_broker(place) as url, client(url) as queue:
        assert queue.llen("tasks") == 100


def test_the_broker_listens_on_a_private_socket_only(place):
    with embedded_broker(place) as url, client(url) as queue:
        assert queue.config_get("port") == {"port": "0"}
        path = Path(url.removeprefix("redis+socket://"))
        assert path.stat().st_mode & 0o777 == 0o700
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_second_broker_on_the_same_directory_is_refused(place):
    with (
        embedded_broker(place),
        pytest.raises(BrokerError, match="already runs"),
        embedded_broker(place),
    ):
        pytest.fail("two brokers wrote to one file")


def test_a_long_path_gets_a_short_socket(place):
    deep = place / ("d" * 120)
    with embedded_broker(deep) as url, client(url) as queue:
        assert queue.ping()
    path = Path(url.removeprefix("redis+socket://"))
    assert len(os.fsencode(path)) <= SOCKET_PATH_BYTES
    path.parent.rmdir()


def test_a_broker_that_is_still_reading_its_file_is_not_ready(place):
    broker = prepare_broker(place)
    assert not broker.answers()
    with socket.socket(socket.AF_UNIX) as loading:
        loading.bind(str(broker.socket))
        with pytest.raises(BrokerError, match="ended while starting"):
            broker.wait_ready(lambda: False)
        with pytest.raises(BrokerError, match="not ready after"):
            broker.wait_ready(lambda: True, timeout=0.1)
