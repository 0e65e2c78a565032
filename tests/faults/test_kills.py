"""kill -9 of any part at any moment: nothing is lost, nothing happens twice."""

import itertools
import threading
import time

import pytest

from approvals.models import Permit, Reading, Request
from approvals.states import PermitStatus
from portal.kernel.clock import now
from tests.faults.house import Life, kill_at_random, live_together
from tests.races.together import agree

AT_ONCE = 3
_keys = itertools.count(1)


def ended_well(lives):
    """Every accepted POST is one request, run once, and its records agree."""
    assert Request.objects.count() == len({life.request for life in lives}) == len(lives)
    assert Permit.objects.count() == len(lives)
    for life in lives:
        request = agree(Request.objects.get(pk=life.request))
        assert request.status == "redeemed"
        permit = Permit.objects.get(request=request)
        assert {str(permit.id)} == life.permits
        assert permit.status == PermitStatus.SUCCEEDED


def test_every_part_is_killed_between_the_steps(house, commit):
    """The request goes on where it was, whatever has to begin anew."""
    steps = []

    def kill(step):
        steps.append(step)
        house.kill("web")
        if step == "asked":  # once the facts are read the other two have nothing to do for it
            house.kill("broker")
            house.kill("worker")

    life = Life(house, commit, "the-key", step=kill)
    live_together([life])
    assert steps == ["asked", "decided", "redeemed", "running"]
    ended_well([life])


def leases_run_out():
    """What a killed worker was reading comes up again after half a minute; not waited for here."""
    Reading.objects.filter(next_try__isnull=False).update(next_try=now())


def kills_at_random_moments(house, commit, kills, seed):
    """Pipelines run one after the other, three at once, while parts are killed under them."""
    over, lives = threading.Event(), []

    def pipelines():
        while not over.is_set():
            life = Life(house, commit, f"life-{next(_keys)}")
            lives.append(life)
            life.run()
            if life.failure is not None:
                return

    threads = [threading.Thread(target=pipelines, daemon=True) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    try:
        killed = kill_at_random(house, kills, over, seed)
        leases_run_out()
    finally:
        over.set()
        for thread in threads:
            thread.join(180)
    assert len(killed) == kills
    for life in lives:
        if life.failure is not None:
            raise life.failure
    assert len(lives) >= AT_ONCE
    ended_well(lives)


def test_parts_are_killed_at_random_moments(house, commit):
    kills_at_random_moments(house, commit, kills=12, seed=int(time.time()))


@pytest.mark.long
def test_parts_are_killed_at_random_moments_200_times(house, commit):
    kills_at_random_moments(house, commit, kills=200, seed=int(time.time()))
