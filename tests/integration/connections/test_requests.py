"""Requests and connections: who is asked, whose word counts, how often the other side is asked."""

from datetime import timedelta
from threading import Event

import pytest

from approvals.connections.configure import (
    archive_connection,
    change_connection,
    pause_connection,
    resume_connection,
)
from approvals.connections.meet import AT_ONCE, meet_connection, moved_connections
from approvals.context.registry import CONNECTED
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.lifecycle.redeem import Drift
from approvals.models import Connection, KeptAnswer, Reading
from portal.kernel.clock import now
from portal.kernel.errors import Unavailable
from tests.factories import COMMIT, ask, decide, put_in_force, redeem
from tests.remote import Says

pytestmark = pytest.mark.django_db

HOLD_SIGNATURE = """\
policy: signed
facts: v1
match: {projects: ["**"], environments: [production], actions: ["*"]}
rules:
  - id: unsigned
    when: git.signature == 'none'
    deny: Only signed commits.
default: {require: {count: 1, from: [team-leads]}}
decide_within: 24h
valid_for: 1h
hold: [git.signature]
"""


def read_all():
    """A worker reads what is due."""
    for request_id, key in due_readings():
        read_source(request_id, key)


def again(request):
    """What a worker reads when the next reading of this request is due."""
    Reading.objects.filter(request=request).update(next_try=now() - timedelta(seconds=1))
    read_all()
    request.refresh_from_db()
    return request


def fact(request, name="git.signature"):
    request.refresh_from_db()
    return request.snapshot.facts[name]


def meet(connection):
    """A worker lets what waits meet the connection, and reads what is due then."""
    meet_connection(connection.pk)
    read_all()


class TestAsked:
    def test_a_request_asks_the_connection_that_reaches_it(self, shop, forge):
        request = ask(shop)
        assert fact(request)["unknown"] == "pending"
        assert due_readings() == [(request.id, f"forge:{shop.connection.pk}")]
        read_all()
        said = fact(request)
        assert (said["value"], said["provenance"]) == ("good", "attested")
        assert said["source"] == f"forge:{shop.connection.pk}"
        assert forge.asked[0][2]["authorization"] == "Bearer glpat-secret"

    def test_what_nobody_gives_is_absent(self, shop):
        request = ask(shop)
        read_all()
        assert fact(request, "git.subject")["unknown"] == "absent"

    def test_without_a_connection_nothing_is_asked(self, who, forge):
        ask(who)
        assert (due_readings(), forge.count()) == ([], 0)

    def test_a_connection_of_another_environment_is_not_asked(self, who, connect):
        connect(who, environment=who.staging)
        ask(who)
        assert due_readings() == []

    def test_a_failing_connection_is_unknown_with_its_reason_and_noted(self, shop, forge):
        forge.paths[forge.path] = Says(status=500)
        request = ask(shop)
        for _ in range(4):
            again(request)
        assert fact(request)["unknown"] == "unavailable"
        assert fact(request)["reason"] == "its server answers 500"
        row = Connection.objects.get()
        assert (row.last_error, row.failures) == ("its server answers 500", 4)

    @pytest.mark.parametrize("body", [[], {"head": 3, "signature": "great"}, {"head": None}, "x"])
    def test_an_answer_of_another_form_is_unknown(self, shop, forge, body):
        forge.paths[forge.path] = Says(body)
        request = ask(shop)
        for _ in range(4):
            again(request)
        assert "unknown" in fact(request)

    def test_a_kind_that_is_not_installed_any_more_gives_nothing(self, shop, monkeypatch):
        monkeypatch.delitem(CONNECTED, "forge")
        assert ask(shop).status == "pending"
        assert due_readings() == []

    @pytest.mark.parametrize("names", [lambda _: 1 / 0, lambda _: {"git.nothing"}])
    def test_a_source_that_cannot_say_what_it_gives_refuses_no_request(
        self, shop, monkeypatch, names
    ):
        monkeypatch.setattr(CONNECTED["forge"], "names", names)
        assert ask(shop).status == "pending"
        assert due_readings() == []

    def test_a_source_says_nothing_but_what_it_declares(self, shop, forge, monkeypatch):
        monkeypatch.setattr(CONNECTED["forge"], "names", lambda _: {"git.head", "request.tier"})
        monkeypatch.setattr(CONNECTED["forge"], "read", lambda *_: {"request.tier": "staging"})
        request = ask(shop)
        read_all()
        assert fact(request, "request.tier")["value"] == "production"
        assert request.status == "pending"


class TestPrecedence:
    @pytest.fixture
    def say(self, forge, connect, who):
        """Connect one more forge, under its own path, that says this signature."""

        def act(signature, **scope):
            forge.paths[f"/{signature}/commits/{COMMIT}"] = Says(
                {"head": COMMIT, "signature": signature}
            )
            settings = {"url": f"{forge.url}/{signature}"}
            return connect(who, name=signature, settings=settings, **scope)

        return act

    def test_the_more_specific_one_says_it(self, who, say):
        say("none", project=None)
        say("bad")
        say("good", environment=who.production)
        one, other = ask(who), ask(who, "staging", labels=["x"])
        read_all()
        assert fact(one)["value"] == "good"
        assert other.status == "approved"
        assert {key for _, key in Reading.objects.values_list("request", "source")} == {
            f"forge:{Connection.objects.get(name='good').pk}"
        }

    def test_of_two_as_specific_the_older_one_says_it(self, who, say):
        say("good")
        say("bad")
        request = ask(who)
        read_all()
        assert fact(request)["value"] == "good"

    def test_a_more_specific_one_that_fails_lets_no_other_speak(self, who, say, forge):
        say("good", project=None)
        say("bad")
        forge.paths[f"/bad/commits/{COMMIT}"] = Says(status=500)
        request = ask(who)
        for _ in range(4):
            again(request)
        assert "unknown" in fact(request)


class TestShared:
    def test_an_answer_that_was_kept_rests_for_what_is_left_of_its_time(self, shop, forge):
        ask(shop)
        read_all()
        KeptAnswer.objects.update(asked_at=now() - timedelta(seconds=20))
        later = ask(shop)
        read_all()
        kept, reading = KeptAnswer.objects.get(), Reading.objects.get(request=later)
        assert forge.count() == 1
        assert reading.next_try == kept.asked_at + CONNECTED["forge"].time_to_live

    def test_200_requests_that_wait_for_one_commit_ask_once(self, shop, forge, monkeypatch):
        monkeypatch.setattr(CONNECTED["forge"], "time_to_live", timedelta(hours=1))
        for number in range(200):
            ask(shop, labels=[f"part-{number}"])
        read_all()
        known = Reading.objects.filter(state="known", facts__has_key="git.signature")
        assert (known.count(), forge.count(forge.path)) == (200, 1)

    def test_within_its_time_nothing_is_asked_again_and_then_once(self, shop, forge):
        for number in range(10):
            ask(shop, labels=[f"part-{number}"])
        read_all()
        Reading.objects.update(next_try=now())
        read_all()
        assert forge.count(forge.path) == 1
        KeptAnswer.objects.update(asked_at=now() - timedelta(minutes=5))
        Reading.objects.update(next_try=now())
        read_all()
        assert forge.count(forge.path) == 2

    def test_what_changed_at_the_forge_reaches_every_request(self, shop, forge):
        requests = [ask(shop, labels=[str(number)]) for number in range(3)]
        read_all()
        forge.paths[forge.path] = Says({"head": COMMIT, "signature": "bad"})
        KeptAnswer.objects.update(asked_at=now() - timedelta(minutes=5))
        for request in requests:
            again(request)
            assert fact(request)["value"] == "bad"
        assert forge.count(forge.path) == 2


@pytest.mark.django_db(transaction=True)
class TestLimited:
    LIMIT = 50

    @pytest.fixture
    def limited(self, forge, monkeypatch):
        """The forge answers LIMIT questions until it is `reset`, then 429."""
        left = [self.LIMIT]

        def says(path, headers):
            left[0] -= 1
            said = {
                "RateLimit-Limit": str(self.LIMIT),
                "RateLimit-Remaining": str(max(0, left[0])),
                "RateLimit-Reset": "600",
            }
            body = {"head": COMMIT, "signature": "good"}
            return Says(body, status=200 if left[0] >= 0 else 429, headers=said)

        def reset():
            left[0] = self.LIMIT
            Connection.objects.update(limit_resets_at=now())

        monkeypatch.setattr(forge, "says", says)
        forge.reset = reset
        return forge

    def test_200_requests_wait_for_the_reset_and_a_redeem_gets_through(self, shop, limited):
        put_in_force(shop.admin, shop.deputy, HOLD_SIGNATURE)
        approved = ask(shop)
        read_all()
        decide(approved, shop.alice)
        for number in range(200):
            ask(shop, subject={"commit": f"{number:040x}"})
        read_all()
        kept = self.LIMIT // 10
        assert limited.count() == self.LIMIT - kept
        assert Connection.objects.get().limit_left == kept
        assert redeem(shop, approved).status == "issued"
        assert limited.count() == self.LIMIT - kept + 1
        limited.reset()
        Reading.objects.filter(state="wanted").update(next_try=now())
        read_all()
        known = Reading.objects.filter(state="known", facts__has_key="git.signature")
        assert known.count() == 2 * (self.LIMIT - kept)


class TestMeeting:
    def test_what_waits_meets_a_new_connection(self, who, connect, forge):
        request = ask(who)
        connection = connect(who)
        assert moved_connections() == [connection.pk]
        meet(connection)
        assert fact(request)["value"] == "good"

    def test_the_mark_goes_when_nothing_can_have_been_missed(self, who, connect):
        connection = connect(who)
        meet(connection)
        assert moved_connections() == [connection.pk]
        Connection.objects.update(moved_at=now() - AT_ONCE)
        meet(connection)
        assert moved_connections() == []

    def test_a_paused_or_archived_connection_says_nothing(self, shop):
        request = ask(shop)
        read_all()
        assert fact(request)["value"] == "good"
        pause_connection(by=shop.admin, connection=shop.connection)
        meet(shop.connection)
        assert fact(request)["unknown"] == "absent"
        assert not Reading.objects.exists()
        resume_connection(by=shop.admin, connection=shop.connection)
        meet(shop.connection)
        assert fact(request)["value"] == "good"
        archive_connection(by=shop.admin, connection=shop.connection)
        meet(shop.connection)
        assert fact(request)["unknown"] == "absent"

    def test_an_answer_that_comes_after_the_pause_is_dropped(self, shop, forge):
        request = ask(shop)
        pause_connection(by=shop.admin, connection=shop.connection)
        read_all()
        assert (forge.count(), Reading.objects.count()) == (0, 0)
        assert fact(request)["unknown"] == "pending"
        meet(shop.connection)
        assert fact(request)["unknown"] == "absent"

    def test_other_settings_are_asked_at_once(self, shop, forge):
        ask(shop)
        read_all()
        change_connection(
            by=shop.admin,
            connection=shop.connection,
            name="our forge",
            settings={"url": forge.url, "team": "a"},
            secrets={},
            private=True,
        )
        meet(shop.connection)
        assert forge.count(forge.path) == 2


@pytest.mark.django_db(transaction=True)
class TestRedeem:
    @pytest.fixture
    def approved(self, shop, forge):
        """Approved by people on a good signature."""
        put_in_force(shop.admin, shop.deputy, HOLD_SIGNATURE)
        request = ask(shop)
        read_all()
        decide(request, shop.alice)
        assert request.status == "approved"
        return request

    def test_the_connection_is_asked_again_however_young_its_answer(self, shop, forge, approved):
        assert redeem(shop, approved).status == "issued"
        assert forge.count(forge.path) == 2

    def test_what_it_says_now_is_drift(self, shop, forge, approved):
        forge.paths[forge.path] = Says({"head": COMMIT, "signature": "bad"})
        with pytest.raises(Drift):
            redeem(shop, approved)

    def test_silence_gives_no_permit_and_takes_no_approval(self, shop, forge, approved):
        forge.paths[forge.path] = Says(status=500)
        with pytest.raises(Unavailable, match="forge “our forge”: its server answers 500"):
            redeem(shop, approved)
        approved.refresh_from_db()
        assert approved.status == "approved"

    def test_an_open_breaker_is_silence(self, shop, forge, approved):
        Connection.objects.update(failures=9, open_until=now() + timedelta(minutes=1))
        with pytest.raises(Unavailable, match="is not asked before"):
            redeem(shop, approved)
        assert forge.count(forge.path) == 1

    def test_a_connection_that_was_archived_meanwhile_is_drift(self, shop, approved):
        archive_connection(by=shop.admin, connection=shop.connection)
        with pytest.raises(Drift):
            redeem(shop, approved)

    def test_all_sources_together_have_the_time_of_one(self, shop, forge, approved, settings):
        settings.REDEEM_SECONDS = 0.5
        done = Event()
        forge.paths[forge.path] = Says({}, after=done)
        with pytest.raises(Unavailable, match=r"no answer within 0\.5 s"):
            redeem(shop, approved)
        done.set()
