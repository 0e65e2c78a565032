"""The portal in parts that can be killed: web, worker and broker on this worker's database.

A pipeline and a reviewer live through all of it: they ask again, as real ones do.
"""

import http.client
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.db import connections

from approvals.lifecycle.decide import record_decision
from approvals.models import Request
from approvals.states import Status
from portal.kernel.errors import Conflict
from portal.runner.broker import Broker, prepare_broker
from portal.runner.process import Guarded, launch
from tests import api
from tests.factories import Company
from tests.server import PATIENCE, Answer, Child, Web, database_url, eventually

POLICY = """\
policy: shop
facts: v1
match: {projects: ["**"], environments: ["*"], actions: ["*"]}
rules:
  - id: on-branch
    when: "!git.on_branch"
    deny: Only commits of the branch may run.
  - id: lead
    when: "true"
    require: {count: 1, from: [team-leads]}
default: {require: {count: 1, from: [team-leads]}}
decide_within: 24h
valid_for: 1h
hold: [git.on_branch]
"""


class Worker(Child):
    """Celery worker with beat, as `make run` starts it."""

    def __init__(self, broker_url: str, schedule: Path) -> None:
        super().__init__(
            ["-m", "portal.runner.worker", "portal.config.celery:app", str(schedule)],
            {"DATABASE_URL": database_url(), "BROKER_URL": broker_url},
        )


@dataclass
class KillableBroker:
    """The embedded broker; what it acknowledged is there after a kill."""

    broker: Broker
    running: Guarded | None = None

    def start(self) -> None:
        with (self.broker.data / "broker.log").open("ab") as output:
            self.running = launch(self.broker.command(), output)

    def kill(self) -> None:
        if self.running is not None:
            os.kill(self.running.pid, signal.SIGKILL)
            self.running.wait(PATIENCE)

    def stop(self) -> None:
        if self.running is not None:
            self.running.stop(PATIENCE)


class House:
    """All three parts, and the company that uses them."""

    def __init__(self, who: Company, place: Path) -> None:
        self.who = who
        self.broker = KillableBroker(prepare_broker(place / "broker"))
        self.web = Web(BROKER_URL=self.broker.broker.url)
        self.worker = Worker(self.broker.broker.url, place / "schedule")
        self.parts = {"web": self.web, "worker": self.worker, "broker": self.broker}

    def __enter__(self) -> "House":
        self.broker.start()
        self.worker.start()
        self.web.start()
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self.web, self.worker, self.broker):
            part.kill()
            part.stop()

    def kill(self, name: str) -> None:
        """kill -9, and start again at once."""
        part = self.parts[name]
        part.kill()
        Child.start(part) if isinstance(part, Child) else part.start()

    def until_web_answers(self) -> None:
        eventually(self.web.ready, f"the web answers again:\n{self.web.said[-2000:]}")

    def call(self, method: str, path: str, wish: Any = None, **headers: str) -> Answer:
        """Ask until there is an answer; an error of the portal's own is one too, and fails.

        A part that does not answer in time (503) is asked again, as the client does.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self.web.call(
                    method, f"/api/v1{path}", wish, secret=self.who.secret, timeout=20, **headers
                )
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                assert answer.status < 500, answer.body
                return answer
            assert time.monotonic() < deadline, f"{method} {path} gets no answer: {answer}"
            time.sleep(0.1)


@dataclass
class Life:
    """One run of a pipeline from the POST to the end; `step` is called between the steps."""

    house: House
    commit: str
    key: str
    pause: float = 0.0
    step: Callable[[str], None] = lambda name: None
    request: str = ""
    permits: set[str] = field(default_factory=set)
    failure: BaseException | None = None

    def run(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.failure = error
        finally:
            connections.close_all()

    def _run(self) -> None:
        wish = api.body(subject={"commit": self.commit, "ref": "refs/heads/main"})
        run = {"id": wish["run"]["id"], "attempt": 1}
        asked = self.house.call("POST", "/requests", wish, Idempotency_Key=self.key)
        assert asked.status in {200, 201}, asked.body
        self.request = asked.json["id"]
        self.step("asked")
        time.sleep(self.pause)
        self._decide()
        self.step("decided")
        seen = self._wait_for("approved")
        redeemed = self.house.call(
            "POST", f"/requests/{self.request}/redeem", {"run": run, "digest": seen["digest"]}
        )
        assert redeemed.status == 200, redeemed.body
        permit = redeemed.json["permit"]["id"]
        self.permits.add(permit)
        self.step("redeemed")
        beat = self.house.call("POST", f"/permits/{permit}/heartbeat", {"run": run})
        assert beat.status == 200, beat.body
        self.step("running")
        end = {"run": run, "outcome": "succeeded", "exit_code": 0}
        done = self.house.call("POST", f"/permits/{permit}/finish", end)
        assert (done.status, done.json["permit"]["status"]) == (200, "succeeded"), done.body

    def _wait_for(self, status: str) -> Any:
        after, deadline = 0, time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            path = f"/requests/{self.request}?wait=10&after={after}"
            found = self.house.call("GET", path).json
            if found["status"] == status:
                return found
            after = found["version"]
        raise AssertionError(f"{self.request} did not become {status}")

    def _decide(self) -> None:
        """As soon as it may be decided: the facts come by the worker, if it lives."""

        def decided() -> bool:
            request = Request.objects.select_related("snapshot").get(pk=self.request)
            if request.status not in {Status.SUBMITTED, Status.PENDING} or not request.snapshot:
                return bool(request.status == Status.APPROVED)
            try:
                record_decision(
                    by=self.house.who.alice, request_id=request.id, outcome="approve",
                    comment="", snapshot_digest=request.snapshot.digest,
                )  # fmt: skip
            except Conflict:  # still gathering, or the facts moved
                return False
            return True

        eventually(decided, f"{self.request} can be decided")


def live_together(lives: list[Life]) -> None:
    """Run them at once; the first failure fails the test."""
    threads = [threading.Thread(target=life.run, daemon=True) for life in lives]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * PATIENCE)
        assert not thread.is_alive(), "a pipeline hangs"
    for life in lives:
        if life.failure is not None:
            raise life.failure


def kill_at_random(house: House, kills: int, until: threading.Event, seed: int) -> list[str]:
    """Kill parts at random moments, `kills` times; then set `until`. The parts, in order."""
    moments = random.Random(seed)
    killed = []
    for number in range(kills):
        name = ("broker", "worker", "web")[number % 3]
        time.sleep(moments.uniform(0, 1))
        house.kill(name)
        killed.append(name)
        if name == "web":
            house.until_web_answers()
    until.set()
    return killed


def make_repository(place: Path) -> str:
    """A repository with one commit by a stranger; the commit."""
    names = ("AUTHOR", "COMMITTER")
    person = {f"GIT_{n}_NAME": "Stranger" for n in names}
    person |= {f"GIT_{n}_EMAIL": "stranger@elsewhere.example" for n in names}
    environment = {**os.environ, **person, "GIT_CONFIG_GLOBAL": os.devnull}

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(place), *arguments],
            env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch", "main")
    git("commit", "--quiet", "--allow-empty", "--message", "First")
    return git("rev-parse", "HEAD")


def new_place() -> Path:
    """A short folder: sockets stand in it."""
    return Path(tempfile.mkdtemp(prefix="cst-faults-"))
