"""The demo's monitoring: it answers with a file that moves, on a port that stays."""

import json
import socket
import subprocess
from urllib.request import urlopen

from portal.runner.metrics import HOST, prepare_metrics
from portal.runner.options import CHECKOUT, python
from portal.runner.process import Command, launch

SCRIPT = CHECKOUT / "plugins" / "demo" / "set-error-rate.sh"


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def error_rate(port):
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=5) as answer:
        return json.load(answer)["error_rate"]


def test_it_answers_with_what_the_script_says_while_it_runs(place, eventually):
    file, port = prepare_metrics(place)
    process = launch(Command(python("-m", "portal.runner.metrics", file, str(port)), {}, CHECKOUT))
    try:
        eventually(lambda: listens(port), "it listens")
        assert error_rate(port) == 0.004
        subprocess.run(["sh", SCRIPT, place, "0.08"], check=True)
        assert error_rate(port) == 0.08
    finally:
        process.stop()


def test_the_port_stays_while_nobody_else_has_it(place):
    file, port = prepare_metrics(place)
    file.write_text('{"error_rate": 0.5}')
    assert prepare_metrics(place) == (file, port)
    assert file.read_text() == '{"error_rate": 0.5}'
    with socket.socket() as other:
        other.bind((HOST, port))
        other.listen()
        assert prepare_metrics(place)[1] != port
