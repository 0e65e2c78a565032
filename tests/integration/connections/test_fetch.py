"""What a connected source asks through: shared answers, retries, breaker, limits."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event

import pytest
from django.db import connections

from approvals.context.answers import KEEP, prune_answers
from approvals.context.breaker import NotAskedNow, require_closed
from approvals.context.fetch import Fetch, NotAllowed, NotThere, Refused
from approvals.context.source import SourceFailed
from approvals.models import AnswerTurn, Connection, KeptAnswer
from approvals.models.connection import OPEN_AFTER
from portal.kernel.clock import now
from tests.remote import Says

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def fetch(shop):
    """A new Fetch of the company's connection; what is given is given to it."""

    def make(**more):
        row = Connection.objects.get(pk=shop.connection.pk)
        return Fetch(row, **{"budget": 3.0, "time_to_live": HOUR, **more})

    return make


def row():
    return Connection.objects.get()


def why(fetch, address="commits/1"):
    with pytest.raises(SourceFailed) as failure:
        fetch.json(address)
    return str(failure.value)


class TestKept:
    def test_the_same_question_is_asked_once(self, fetch, forge):
        assert [fetch().json("version") for _ in range(3)] == [{"version": "9.1"}] * 3
        assert forge.count() == 1

    def test_another_address_another_accept_another_query_are_other_questions(self, fetch, forge):
        fetch().json("version")
        fetch().json("version", params={"page": "2"})
        fetch().json("version", headers={"Accept": "application/vnd.forge+json"})
        assert [asked[1] for asked in forge.asked] == ["/version", "/version?page=2", "/version"]

    def test_what_never_changes_is_not_asked_again_even_for_a_redeem(self, fetch, forge):
        fetch(time_to_live=timedelta(0)).json(forge.path.strip("/"), lasting=True)
        late = fetch(time_to_live=timedelta(0), not_before=now())
        assert late.json(forge.path.strip("/"), lasting=True)["signature"] == "good"
        assert forge.count() == 1
        assert late.observed_at is None  # it is as true now as it was then

    def test_what_was_not_there_may_come(self, fetch, forge):
        for _ in range(2):
            with pytest.raises(NotThere):
                fetch(time_to_live=timedelta(0)).json("commits/9", lasting=True)
        assert forge.count() == 2

    def test_a_token_makes_no_other_question(self, fetch, forge):
        fetch().json("version", headers={"Authorization": "Bearer one"})
        fetch().json("version", headers={"Authorization": "Bearer two"})
        assert forge.count() == 1

    def test_a_full_address_and_one_below_the_setting_are_the_same(self, fetch, forge):
        fetch().json("version")
        fetch().json(f"{forge.url}/version")
        assert forge.count() == 1

    def test_an_old_answer_is_asked_again_with_its_etag_and_costs_no_body(self, fetch, forge):
        def versioned(headers):
            if headers.get("if-none-match") == '"v1"':
                return Says(status=304)
            return Says({"version": "1"}, headers={"ETag": '"v1"'})

        forge.paths["/version"] = versioned
        first = fetch().json("version")
        kept = KeptAnswer.objects.get()
        assert fetch(time_to_live=timedelta(0)).json("version") == first
        again = KeptAnswer.objects.get()
        assert (again.pk, bytes(again.body)) == (kept.pk, bytes(kept.body))
        assert again.asked_at > kept.asked_at
        assert forge.count() == 2

    def test_a_fresh_question_takes_nothing_from_before(self, fetch, forge):
        fetch().json("version")
        begun = now()
        again = fetch(not_before=begun)
        again.json("version")
        again.json("version")
        assert forge.count() == 2
        assert again.observed_at >= begun

    def test_facts_are_as_old_as_the_oldest_answer(self, fetch, forge):
        fetch().json("version")
        asked = KeptAnswer.objects.get().asked_at
        later = fetch()
        forge.paths["/other"] = Says({})
        later.json("other")
        later.json("version")
        assert later.observed_at == asked

    def test_not_there_is_an_answer_and_kept_too(self, fetch, forge):
        for _ in range(2):
            with pytest.raises(NotThere):
                fetch().json("nowhere")
        assert forge.count() == 1
        assert row().failures == 0

    def test_other_settings_make_other_questions(self, fetch, forge):
        fetch().json("version")
        Connection.objects.update(revision=2)
        fetch().json("version")
        assert forge.count() == 2

    def test_text_and_posts(self, fetch, forge):
        forge.paths["/plan"] = Says(b"plain \xc3\xbc")
        forge.paths["/graph"] = Says({"data": 1})
        assert fetch().text("plan") == "plain ü"
        assert [fetch().post_json("graph", {"query": "x"}) for _ in range(2)] == [{"data": 1}] * 2
        assert forge.asked[-1][0::3] == ("POST", b'{"query":"x"}')
        assert forge.count("/graph") == 2

    def test_what_never_changes_is_as_good_as_new(self, fetch, forge):
        forge.paths["/blob"] = Says("x")
        assert fetch().text("blob", lasting=True) == '"x"'
        later = fetch(not_before=now())
        assert later.text("blob", lasting=True) == '"x"'
        assert (forge.count("/blob"), later.observed_at) == (1, None)
        later.text("blob")
        assert forge.count("/blob") == 2

    def test_that_it_is_not_there_may_change(self, fetch, forge):
        for _ in range(2):
            with pytest.raises(NotThere):
                fetch(not_before=now()).text("blob", lasting=True)
        assert forge.count("/blob") == 2

    def test_a_token_is_not_kept(self, fetch, forge):
        forge.paths["/token"] = Says({"token": "t0ps3cret"}, headers={"Link": "<more>"})
        asked = fetch()
        got = asked.unkept("token", params={"service": "a b"})
        assert (got.body, got.headers["link"]) == (b'{"token": "t0ps3cret"}', "<more>")
        assert forge.asked[0][1] == "/token?service=a+b"
        assert asked.observed_at
        assert not KeptAnswer.objects.exists()

    def test_what_nobody_asked_for_a_day_is_forgotten(self, fetch, forge):
        fetch().json("version")
        assert prune_answers() == 0
        KeptAnswer.objects.update(asked_at=now() - KEEP - timedelta(seconds=1))
        assert prune_answers() == 1
        assert not KeptAnswer.objects.exists()


class TestFailures:
    def test_a_server_that_is_busy_for_a_moment_is_asked_again(self, fetch, forge):
        answers = iter([Says(status=502), Says(status=503), Says({"a": 1})])
        forge.paths["/commits/1"] = lambda headers: next(answers)
        assert fetch().json("commits/1") == {"a": 1}
        assert (forge.count(), row().failures) == (3, 0)

    def test_three_tries_and_one_failure(self, fetch, forge):
        forge.paths["/commits/1"] = Says(status=502)
        assert why(fetch()) == "its server answers 502"
        assert (forge.count(), row().failures) == (3, 1)

    def test_half_an_answer_is_no_answer(self, fetch, forge):
        forge.paths["/commits/1"] = Says({"long": "x" * 1000}, broken=True)
        assert why(fetch()) == "its server's answer breaks off"
        assert not KeptAnswer.objects.exists()

    def test_a_server_that_is_not_there(self, fetch, forge):
        forge.close()
        assert "glpat" not in why(fetch())
        assert row().failures == 1

    def test_the_budget_is_kept(self, fetch, forge):
        done = Event()
        forge.paths["/commits/1"] = Says({}, after=done)
        begun = time.monotonic()
        assert "in time" in why(fetch(budget=0.3))
        assert time.monotonic() - begun < 2
        done.set()

    @pytest.mark.parametrize(
        ("status", "words", "failures"),
        [
            (301, "redirect (301), which is not followed", 0),
            (304, "redirect (304), which is not followed", 0),
            (400, "its server answers 400", 0),
            (401, "refuses the credentials of the connection (401)", 0),
            (403, "refuses the credentials of the connection (403)", 0),
            (500, "its server answers 500", 1),
        ],
    )
    def test_what_asking_again_does_not_help_is_asked_once(
        self, fetch, forge, status, words, failures
    ):
        forge.paths["/commits/1"] = Says({}, status, {"Location": "http://127.0.0.1:1/"})
        assert words in why(fetch())
        assert (forge.count(), row().failures) == (1, failures)

    @pytest.mark.parametrize(
        ("status", "body", "said"),
        [
            (400, {"error": "1:7: parse error"}, "1:7: parse error"),
            (422, {"message": "many-to-many"}, "many-to-many"),
            (400, "bad matcher", "bad matcher"),
            (400, "x" * 999, "x" * 200),
            (400, {"error": {"code": 1}}, ""),
            (400, b"<html>", ""),
            (403, {"error": "token glpat-secret is not known"}, ""),
        ],
    )
    def test_what_is_wrong_with_a_question_is_kept_for_those_who_wrote_it(
        self, fetch, forge, status, body, said
    ):
        forge.paths["/commits/1"] = Says(body, status)
        with pytest.raises(Refused) as refusal:
            fetch().json("commits/1")
        assert refusal.value.said == said

    def test_what_it_does_not_show_to_us_is_told_from_what_it_does_not_know(self, fetch, forge):
        forge.paths["/commits/1"] = Says({}, 403)
        with pytest.raises(NotAllowed):
            fetch().json("commits/1")

    def test_a_refusal_has_its_status(self, fetch, forge):
        forge.paths["/commits/1"] = Says({}, 422)
        with pytest.raises(Refused) as refused:
            fetch().json("commits/1")
        assert refused.value.status == 422

    def test_a_refusal_says_where_to_sign_in(self, fetch, forge):
        wanted = {"WWW-Authenticate": 'Bearer realm="https://sso.example/token"'}
        forge.paths["/commits/1"] = Says(status=401, headers=wanted)
        with pytest.raises(Refused) as refusal:
            fetch().json("commits/1")
        assert refusal.value.status == 401
        assert refusal.value.headers["www-authenticate"] == wanted["WWW-Authenticate"]

    def test_what_is_no_json(self, fetch, forge):
        forge.paths["/commits/1"] = Says(b"<html>")
        assert why(fetch()) == "its answer is no JSON"

    def test_another_host_is_never_asked(self, fetch, forge):
        address = f"http://localhost:{forge.host.split(':')[1]}/version"
        assert "not among those that may be asked" in why(fetch(), address)
        assert forge.count() == 0

    def test_secrets_that_do_not_open_say_so(self, fetch, settings):
        settings.SECRET_KEY = "another"
        settings.SECRETS_KEY = []
        with pytest.raises(SourceFailed, match="cannot be opened: enter them again"):
            fetch().secrets["token"]
        assert "glpat" not in repr(fetch().secrets)


class TestBreaker:
    @pytest.fixture
    def broken(self, fetch, forge):
        """The breaker is open, the server well again."""
        forge.paths["/commits/1"] = Says(status=500)
        for _ in range(OPEN_AFTER):
            why(fetch())
        forge.paths["/commits/1"] = Says({"a": 1})
        return forge

    def test_five_failures_in_a_row_open_it(self, broken, fetch):
        assert row().breaker(now()) == "open"
        with pytest.raises(NotAskedNow, match=r"failed 5 times in a row .* before \d\d:\d\d:\d\d"):
            fetch().json("commits/1")
        assert broken.count() == OPEN_AFTER

    def test_afterwards_one_alone_tries_again(self, broken):
        Connection.objects.update(open_until=now() - timedelta(seconds=1))
        one, other = row(), row()
        assert one.breaker(now()) == "half-open"
        require_closed(one)
        with pytest.raises(NotAskedNow, match="being tried again"):
            require_closed(other)
        with pytest.raises(NotAskedNow, match="is not asked before"):
            require_closed(row())

    def test_success_closes_it(self, broken, fetch):
        Connection.objects.update(open_until=now() - timedelta(seconds=1))
        assert fetch().json("commits/1") == {"a": 1}
        assert (row().failures, row().open_until, row().breaker(now())) == (0, None, "closed")

    def test_a_refusal_closes_it_so_that_one_can_sign_in(self, broken, fetch):
        broken.paths["/commits/1"] = Says(status=401)
        Connection.objects.update(open_until=now() - timedelta(seconds=1))
        assert "refuses the credentials" in why(fetch())
        assert (row().breaker(now()), row().last_success_at) == ("closed", None)

    def test_who_tries_alone_and_fails_opens_it_for_longer(self, broken, fetch):
        broken.paths["/commits/1"] = Says(status=500)
        before = row().open_until
        Connection.objects.update(open_until=now() - timedelta(seconds=1))
        assert why(fetch()) == "its server answers 500"
        assert row().open_until > before
        assert broken.count() == OPEN_AFTER + 1

    def test_a_kept_answer_is_given_while_it_is_open(self, broken, fetch):
        Connection.objects.update(open_until=None)
        fetch().json("commits/1")
        Connection.objects.update(failures=9, open_until=now() + HOUR)
        assert fetch().json("commits/1") == {"a": 1}


class TestLimits:
    @pytest.mark.parametrize(
        ("status", "headers", "seconds"),
        [
            (429, {"Retry-After": "90"}, 90),
            (429, {}, 60),
            (503, {"Retry-After": "20"}, 20),
            (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "120"}, 120),
            (429, {"Retry-After": "999999"}, 3600),
        ],
    )
    def test_it_is_left_alone_for_as_long_as_it_says(self, fetch, forge, status, headers, seconds):
        forge.paths["/commits/1"] = Says({}, status, headers)
        assert "allows no more questions before" in why(fetch())
        left = (row().limited_until - now()).total_seconds()
        assert seconds - 5 < left <= seconds
        with pytest.raises(NotAskedNow, match="allows no more questions before"):
            fetch().json("version")
        assert (forge.count(), row().failures) == (1, 0)

    def test_the_last_question_of_a_limit_is_answered_and_no_other_is_asked(self, fetch, forge):
        reset = str(int(now().timestamp()) + 300)
        forge.paths["/commits/1"] = Says(
            {"a": 1}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        )
        assert fetch().json("commits/1") == {"a": 1}
        with pytest.raises(NotAskedNow):
            fetch().json("version")
        assert row().limit_left == 0

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "120"},
            {"RateLimit-Limit": "60", "RateLimit-Remaining": "5", "RateLimit-Reset": "120"},
            {
                "RateLimit": '"burst";r=90;t=1, "hour";r=5;t=120',
                "RateLimit-Policy": '"burst";q=100;w=10, "hour";q=60;w=3600',
            },
        ],
        ids=["github", "gitlab", "structured"],
    )
    def test_the_last_tenth_of_a_limit_is_kept_for_redeeming(self, fetch, forge, headers):
        forge.paths["/version"] = forge.paths["/commits/1"] = Says({"a": 1}, headers=headers)
        fetch().json("version")
        with pytest.raises(NotAskedNow, match="are kept for redeeming"):
            fetch().json("commits/1")
        assert fetch(not_before=now()).json("commits/1") == {"a": 1}
        Connection.objects.update(limit_resets_at=now())
        assert fetch().json("commits/1") == {"a": 1}

    @pytest.mark.parametrize("whole", ["1", "9", "10", "19"])
    def test_of_the_smallest_limit_one_question_is_kept(self, fetch, forge, whole):
        headers = {"RateLimit-Limit": whole, "RateLimit-Remaining": "1", "RateLimit-Reset": "120"}
        forge.paths["/version"] = forge.paths["/commits/1"] = Says({}, headers=headers)
        fetch().json("version")
        with pytest.raises(NotAskedNow, match="are kept for redeeming"):
            fetch().json("commits/1")
        assert fetch(not_before=now()).json("commits/1") == {}

    @pytest.mark.parametrize("header", ["", ";;,", '"x";r=', '"x";r=-1;t=9', "limit=9", "é" * 2000])
    def test_nonsense_about_a_limit_says_nothing(self, fetch, forge, header):
        forge.paths["/version"] = Says({}, headers={"RateLimit": header.encode().decode("latin-1")})
        fetch().json("version")
        assert (row().limit_left, row().limit_reserve) == (None, 0)

    def test_what_is_left_is_shown(self, fetch, forge):
        headers = {"RateLimit-Remaining": "598", "RateLimit-Reset": "60"}
        forge.paths["/version"] = Says({}, headers=headers)
        fetch().json("version")
        assert (row().limit_left, row().limited_until) == (598, None)
        assert row().limit_resets_at > now()


class OtherProcess:
    """Stands for the lock of a process that the others do not share."""

    @contextmanager
    def turn(self, *_):
        yield True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("processes", [1, 4])
def test_of_those_who_ask_the_same_at_once_one_asks(fetch, forge, monkeypatch, processes):
    if processes > 1:
        monkeypatch.setattr(f"{Fetch.__module__}._queue", OtherProcess())
    begun, go = Event(), Event()

    def slowly(headers):
        begun.set()
        return Says({"version": "1"}, after=go)

    forge.paths["/version"] = slowly

    def ask():
        try:
            return fetch().json("version")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask) for _ in range(4)]
        assert begun.wait(5)
        go.set()
        assert [one.result(5) for one in asked] == [{"version": "1"}] * 4
    assert forge.count() == 1
    assert not AnswerTurn.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_turn_of_a_process_that_was_killed_ends_by_itself(fetch, forge):
    """What it would have asked is asked by the next one, and not before its time is over."""
    forge.paths["/version"] = Says({"version": "1"})
    fetch().json("version")
    key = KeptAnswer.objects.get().key
    KeptAnswer.objects.all().delete()
    until = now() + timedelta(seconds=0.3)
    AnswerTurn.objects.create(connection=row(), key=key, until=until)
    assert "no answer within 0.1 s" in why(fetch(budget=0.1), "version")
    assert fetch().json("version") == {"version": "1"}
    assert now() >= until
    assert (forge.count(), AnswerTurn.objects.count()) == (2, 0)
