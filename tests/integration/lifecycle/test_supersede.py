"""A newer request for the same target retires the older ones that wait, where policy says so."""

import pytest

from approvals.lifecycle.expire import expire_all
from approvals.lifecycle.redeem import Drift
from approvals.lifecycle.supersede import retire_older, unfinished
from approvals.tasks import sweep
from portal.kernel.errors import Conflict
from portal.ledger.models import Entry
from tests.factories import ask, decide, redeem
from tests.integration.lifecycle.conftest import now_in_force

pytestmark = pytest.mark.django_db

LEAD = '  - {id: lead, when: "true", require: {count: 1, from: [team-leads]}}\n'
RULES = f"""{LEAD}\
  - {{id: exists, when: "!git.exists", deny: There is no such commit.}}
  - {{id: never, when: "'never' in request.labels", deny: No.}}
"""


@pytest.fixture
def shop_of_one(company_with, git):
    """A company where the newest request for a target is the only one."""
    return company_with(RULES, more="supersede: environment\n")


@pytest.fixture
def asked(shop_of_one, git):
    """Asks, lets the facts come, and lets the worker do what was marked; returns the row."""

    def act(environment="production", finish=True, **fields):
        request = ask(shop_of_one, environment, **fields)
        if request.status == "submitted":
            git.come(request)
        if finish:
            finish_all()
        return request

    return act


def finish_all():
    return sum(retire_older(request_id) for request_id in unfinished())


def statuses(*requests):
    for request in requests:
        request.refresh_from_db()
    return [request.status for request in requests]


def test_older_ones_that_wait_are_retired_with_an_entry(asked):
    first, second = asked(), asked(finish=False)
    assert statuses(first, second) == ["pending", "pending"]
    assert unfinished() == [second.id]
    assert finish_all() == 1
    assert statuses(first, second) == ["superseded", "pending"]
    assert Entry.objects.filter(request=first.pk).latest("id").type == "request.superseded"
    assert finish_all() == 0, "once is enough"
    assert retire_older(second.id) == 0


def test_what_was_retired_can_be_neither_decided_nor_used(asked, shop_of_one):
    first, _ = asked(), asked()
    with pytest.raises(Conflict, match="superseded"):
        decide(first, shop_of_one.alice)
    with pytest.raises(Conflict, match="superseded"):
        redeem(shop_of_one, first)


def test_other_targets_other_actions_and_what_is_approved_stay(asked, shop_of_one):
    staging, apply_ = asked("staging"), asked(action="apply")
    approved = decide(asked(), shop_of_one.alice)
    redeemed = decide(asked(), shop_of_one.bob)
    redeem(shop_of_one, redeemed)
    newest = asked()
    assert statuses(staging, apply_, approved, redeemed, newest) == [
        "pending", "pending", "approved", "redeemed", "pending",
    ]  # fmt: skip


def test_legs_of_one_run_leave_each_other_alone_but_another_attempt_does_not(asked):
    legs = [asked(run={"id": "9", "attempt": 1, "job": job}) for job in ("eu", "us")]
    assert statuses(*legs) == ["pending", "pending"]
    asked(run={"id": "9", "attempt": 2, "job": "eu"})
    assert statuses(*legs) == ["superseded", "superseded"]


def test_a_denied_newer_one_retires_nothing(asked):
    first, denied = asked(), asked(labels=["never"])
    assert statuses(first, denied) == ["pending", "denied"]


def test_an_older_one_whose_facts_come_late_steps_aside(shop_of_one, git, asked):
    slow = ask(shop_of_one)
    newer = asked(finish=False)
    git.come(slow)
    assert statuses(slow, newer) == ["pending", "pending"], "as if they came at one moment"
    assert retire_older(slow.id) == 1
    assert statuses(slow, newer) == ["superseded", "pending"]
    assert finish_all() == 0


def test_what_is_still_gathering_facts_is_retired_too(shop_of_one, asked):
    slow = ask(shop_of_one)
    assert slow.status == "submitted"
    asked()
    assert statuses(slow) == ["superseded"]


def test_what_drifts_back_into_the_queue_steps_aside_for_a_newer_one(asked, shop_of_one, git):
    now_in_force(shop_of_one, "hold: [request.commit]", "hold: [git.head]")
    first = decide(asked(), shop_of_one.alice)
    newer = asked()
    assert statuses(first, newer) == ["approved", "pending"]
    git.says |= {"git.head": "b" * 40}
    with pytest.raises(Drift):
        redeem(shop_of_one, first)
    assert statuses(first) == ["pending"]
    assert finish_all() == 1
    assert statuses(first, newer) == ["superseded", "pending"]


def test_policy_that_says_nothing_retires_nothing(company_with, git):
    who = company_with(LEAD)
    first, second = git.come(ask(who)), git.come(ask(who))
    assert unfinished() == []
    assert statuses(first, second) == ["pending", "pending"]


def test_the_sweep_finishes_what_a_lost_message_left(asked, monkeypatch):
    first, second = asked(), asked(finish=False)
    sent = []
    monkeypatch.setattr("approvals.tasks.publish", lambda task, *args: sent.append((task, *args)))
    sweep()
    assert ("approvals.retire_older", str(second.id)) in sent
    assert retire_older(second.id) == 1
    assert statuses(first) == ["superseded"]
    assert expire_all() == 0
