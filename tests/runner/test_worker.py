"""The worker that has beat inside: what is due is sent and run, and beat is never lost alone."""

import os
import signal
import sys
from pathlib import Path

from celery import Celery

from portal.runner.broker import embedded_broker
from portal.runner.process import Command, launch
from portal.runner.worker import Beat

CHECKOUT = Path(__file__).parents[2]


def test_what_is_due_runs_until_the_worker_is_stopped(place, eventually):
    ticks = place / "ticks"
    kept = {name: os.environ[name] for name in os.environ if not name.startswith("DJANGO_")}
    arguments = [sys.executable, "-m", "portal.runner.worker", "tests.runner.tiny_app:app"]
    with embedded_broker(place / "broker") as url, (place / "log").open("wb") as log:
        environment = {**kept, "BROKER_URL": url, "TICKS": str(ticks)}
        command = Command([*arguments, place / "schedule"], environment, CHECKOUT)
        worker = launch(command, log)
        try:
            eventually(
                lambda: ticks.exists() and len(ticks.read_text().split()) > 2, "three ticks", 30
            )
        finally:
            code = worker.stop()
    assert code == 0
    assert "SecurityWarning" not in (place / "log").read_text()


def test_a_worker_whose_beat_ends_by_itself_stops_too(monkeypatch, place):
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    beat = Beat(Celery(), str(place / "schedule"))
    monkeypatch.setattr(beat.service, "start", lambda: None)
    beat.run()
    assert sent == [(os.getpid(), signal.SIGTERM)]
    beat.wanted = False
    beat.run()
    assert len(sent) == 1
