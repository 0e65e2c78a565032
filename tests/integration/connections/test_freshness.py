"""While a request waits its branch moves, checks turn red, an incident opens, a freeze begins: it
is marked with old and new value and time, and nobody decides on facts they did not see."""

from datetime import timedelta
from threading import Event

import pytest
from django.urls import reverse

from approvals.connections.configure import create_connection
from approvals.connections.hook import renew_hook
from approvals.context.connected import ConnectedSource, Field
from approvals.context.registry import CONNECTED
from approvals.lifecycle.decide import SnapshotMoved, record_decision
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.lifecycle.look_again import look_again
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.lifecycle.redeem import Drift
from approvals.models import KeptAnswer, Reading
from approvals.queries import QueueFilters, queue_row, request_page
from policies.freezes.looks import due_looks
from policies.models import Policy
from policies.publishing import publish_version, save_version
from portal.accounts.authentication import authenticate_token
from portal.directory.models import Project
from portal.kernel.clock import now
from portal.kernel.errors import Unavailable
from tests.factories import ask, company, decide, redeem
from tests.freezes import a_freeze
from tests.integration.connections.test_hooks import github, send
from tests.integration.context.repositories import Repo
from tests.integration.pages import as_, text
from tests.remote import Remote, Says

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are not collected here
]

GREEN = {"checks": "success", "incidents": [], "errors": 0.01}
POLICY = """\
policy: shop
facts: v1
match: {projects: ["**"], environments: ["*"], actions: ["*"]}
rules: []
default: {require: {count: 1, from: [team-leads]}}
decide_within: 24h
valid_for: 1h
hold: [git.head, ci.state, incident.open, ops.freeze, metric.error_rate]
tolerate: {metric.error_rate: 0.005}
"""


class Watch(ConnectedSource):
    """Reads `/state`: the checks of the commit, open incidents and an error rate."""

    name = "watch"
    title = "Watch"
    gives = ("ci", "incident", "metric")
    fields = (Field("url", "Address", "url"),)

    def names(self, connection):
        return frozenset({"ci.state", "incident.open", "metric.error_rate"})

    def check(self, fetch):
        return "It answers."

    def read(self, question, fetch):
        said = fetch.json("state")
        return {
            "ci.state": said["checks"],
            "incident.open": said["incidents"],
            "metric.error_rate": said["errors"],
        }


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setitem(CONNECTED, "watch", Watch())
    remote = Remote()
    remote.paths["/state"] = Says(GREEN)
    yield remote
    remote.close()


@pytest.fixture
def world(db, watch, settings, tmp_path):
    """A company with a real repository and a watch, and one request that waits, everything read."""
    settings.HOME = tmp_path / "home"
    repository = Repo(tmp_path / "served")
    commit = repository.commit({"a.txt": b"1\n"})
    ensure_signing_key()
    who = company(POLICY)
    Project.objects.update(repository=str(repository.folder))
    who.token = authenticate_token(who.secret)
    who.connection = create_connection(
        by=who.admin, kind="watch", name="watch", project=who.project,
        settings={"url": watch.url}, secrets={}, private=True,
    )  # fmt: skip
    who.hook = renew_hook(by=who.admin, connection=who.connection)
    who.repository, who.watch = repository, watch
    who.request = ask(who, subject={"commit": commit})
    read_all()
    rest()
    who.request.refresh_from_db()
    assert who.request.status == "pending"
    return who


def read_all():
    """The workers read what is due."""
    for request_id, key in due_readings():
        read_source(request_id, key)


def rest():
    """Every reading was answered a while ago, and none is due."""
    at = now()
    Reading.objects.update(
        observed_at=at - timedelta(minutes=1), next_try=at + timedelta(minutes=1)
    )


def time_passes():
    """What is kept is older than its time to live, and every reading is due."""
    at = now()
    KeptAnswer.objects.update(asked_at=at - timedelta(minutes=2))
    Reading.objects.update(next_try=at)
    read_all()


def branch_moves(world):
    world.repository.commit({"a.txt": b"2\n"}, "Somebody else's change")
    time_passes()


def checks_turn_red(world):
    world.watch.paths["/state"] = Says({**GREEN, "checks": "failure"})
    assert send(world, {"check_run": {"head_sha": world.request.subject["commit"]}},
                sender=github, event="check_run").status_code == 200  # fmt: skip
    read_all()


def incident_opens(world):
    world.watch.paths["/state"] = Says({**GREEN, "incidents": ["INC-1 <b>down</b>"]})
    time_passes()


def freeze_begins(world):
    a_freeze(world.admin, world.project)
    for kind, row_id in due_looks():
        look_again(kind, row_id)


CASES = [
    (branch_moves, "git.head", None, None),
    (checks_turn_red, "ci.state", "success", "failure"),
    (incident_opens, "incident.open", "none", "INC-1 <b>down</b>"),
    (freeze_begins, "ops.freeze", "no", "yes"),
]


@pytest.mark.parametrize(("happens", "fact", "old", "new"), CASES, ids=[c[1] for c in CASES])
def test_what_happens_while_it_waits_is_marked_and_nobody_decides_on_what_was(
    world, happens, fact, old, new
):
    request, seen = world.request, world.request.snapshot.digest
    assert request.moved == []
    begun = now()
    happens(world)
    request.refresh_from_db()
    assert request.status == "pending"

    page = request_page(world.alice, request.id, seen=seen)
    assert fact in {row.name for row in page.changed}
    fresh = request_page(world.alice, request.id)
    (news,) = [one for one in fresh.moved if one.fact == fact]
    assert begun <= news.at <= now()
    assert news.old != news.new
    assert (news.old, news.new) == (old or news.old, new or news.new)
    row = queue_row(world.alice, request.id, QueueFilters(tab="all"))
    assert (row.changed, row.news) == (len(fresh.moved), fresh.moved[0])
    browser = as_(world.alice)
    for address in (reverse("queue"), reverse("request", args=[request.id])):
        shown = browser.get(address)
        assert fresh.moved[0].label in text(shown)
        assert "<b>down" not in shown.content.decode()

    with pytest.raises(SnapshotMoved) as refusal:
        approve_on(world, seen)
    assert fact in {change["fact"] for change in refusal.value.changes}
    assert request.decisions.count() == 0
    assert decide(request, world.alice).status == "approved"


def test_what_is_again_as_it_was_is_no_news(world):
    branch_moves(world)
    world.repository.git("reset", "-q", "--hard", world.request.subject["commit"])
    time_passes()
    world.request.refresh_from_db()
    assert world.request.moved == []


def says(world, errors):
    world.watch.paths["/state"] = Says({**GREEN, "errors": errors})
    time_passes()
    world.request.refresh_from_db()


def approve_on(world, digest):
    record_decision(
        by=world.alice, request_id=world.request.id, outcome="approve", comment="",
        snapshot_digest=digest,
    )  # fmt: skip


def test_a_number_that_moves_farther_than_policy_lets_it_is_news(world):
    seen = world.request.snapshot.digest
    says(world, 0.02)
    (news,) = world.request.moved
    assert (news["fact"], news["old"], news["new"]) == ("metric.error_rate", "0.01", "0.02")
    with pytest.raises(SnapshotMoved):
        approve_on(world, seen)


def test_a_number_that_moves_no_farther_is_none_and_stops_no_decision(world):
    seen = world.request.snapshot.digest
    says(world, 0.012)
    assert (world.request.moved, world.request.snapshot.digest != seen) == ([], True)
    approve_on(world, seen)
    world.request.refresh_from_db()
    assert world.request.status == "approved"


@pytest.mark.django_db(transaction=True)
class TestRedeem:
    """What sources that lie, sleep or say nothing do to an approval, within its three seconds."""

    @pytest.fixture
    def approved(self, world):
        return decide(world.request, world.alice)

    def test_a_tolerated_number_counts_from_what_the_decision_saw(self, world):
        says(world, 0.014)
        approve_on(world, world.request.snapshot.digest)
        says(world, 0.018)
        assert world.request.status == "approved"
        assert redeem(world, world.request).status == "issued"

    def test_a_lying_answer_is_drift_for_what_is_held(self, world, approved):
        world.watch.paths["/state"] = Says({**GREEN, "checks": "splendid"})
        with pytest.raises(Drift, match=r"ci\.state changed") as drift:
            redeem(world, approved)
        (change,) = drift.value.extra["drift"]
        assert (change["old"], change["new"]) == ("success", None)
        approved.refresh_from_db()
        assert (approved.status, approved.round, approved.moved) == ("pending", 2, [])

    def test_half_an_answer_gives_no_permit_and_takes_no_approval(self, world, approved):
        world.watch.paths["/state"] = Says(GREEN, broken=True)
        with pytest.raises(Unavailable, match="watch “watch”"):
            redeem(world, approved)
        approved.refresh_from_db()
        assert approved.status == "approved"
        world.watch.paths["/state"] = Says(GREEN)
        assert redeem(world, approved).status == "issued"

    def test_a_slow_one_costs_the_budget_and_gives_no_permit(self, world, approved, settings):
        settings.REDEEM_SECONDS, done = 0.5, Event()
        world.watch.paths["/state"] = Says(GREEN, after=done)
        with pytest.raises(Unavailable, match=r"no answer within 0\.5 s"):
            redeem(world, approved)
        done.set()
        approved.refresh_from_db()
        assert (approved.status, approved.redeem_failure != "") == ("approved", True)

    def test_policy_may_have_drift_end_it(self, world, approved):
        text = Policy.objects.get().in_force.text + "on_drift: deny\n"
        version = save_version(by=world.admin, policy=Policy.objects.get(), text=text)
        publish_version(by=world.deputy, version=version)
        world.watch.paths["/state"] = Says({**GREEN, "incidents": ["INC-1"]})
        with pytest.raises(Drift):
            redeem(world, approved)
        approved.refresh_from_db()
        assert (approved.status, approved.ended_reason) == (
            "denied",
            "incident.open changed after the approval.",
        )
