"""The HTTP and JSON source against a server on loopback: facts, failures, the address it asks."""

import pytest
from django.urls import reverse

from approvals.connections.check import check_connection
from approvals.connections.configure import create_connection
from approvals.context.collect import ask as ask_source
from approvals.context.collect import question_about, remote_source
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.models import Connection
from policies.language.facts import Known
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from tests.factories import COMMIT, ask
from tests.integration.pages import as_, text
from tests.remote import Remote, Says

pytestmark = pytest.mark.django_db

ANSWER = {
    "rate": 0.012,
    "count": 3,
    "ready": True,
    "state": "green \u202e",
    "open": [{"title": "Slow checkout"}, {"title": "=cmd()"}],
}
FACTS = """
metric.error_rate = /rate
metric.incidents = /open | count
flag.ready = /ready
text.state = /state
items.titles = /open/*/title
"""


@pytest.fixture
def remote(monkeypatch):
    monkeypatch.setattr("approvals.context.fetch.FIRST_PAUSE", 0.001)
    found = Remote()
    found.paths["/status"] = Says(ANSWER)
    yield found
    found.close()


@pytest.fixture
def connect(who, remote):
    def act(facts=FACTS, path="/status", **more):
        settings = {"url": f"{remote.url}{path}", "header": "Authorization", "facts": facts}
        return create_connection(
            by=who.admin,
            kind="http_json",
            name="status page",
            project=who.project,
            settings={**settings, **more.pop("settings", {})},
            secrets={"secret": "Bearer s3cret"},
            private=True,
            **more,
        )

    return act


def answer(who, connection):
    """What the source says about a new request: values, or Unknowns, by name."""
    question = question_about(ask(who), now())
    found = ask_source(remote_source(question, f"http_json:{connection.pk}"), question)
    values = {
        name: state.value if isinstance(state, Known) else state
        for name, state in found.states.items()
    }
    return values, found.error


def test_facts_are_picked_out_of_the_answer(who, connect, remote):
    values, error = answer(who, connect())
    assert error == ""
    assert values == {
        "metric.error_rate": 0.012,
        "metric.incidents": 2.0,
        "flag.ready": True,
        "text.state": "green \u202e",
        "items.titles": ("Slow checkout", "=cmd()"),
    }
    assert remote.asked[0][2]["authorization"] == "Bearer s3cret"


def test_they_come_into_the_snapshot_of_a_request(who, connect):
    connection = connect()
    request = ask(who)
    (due,) = due_readings()
    read_source(*due)
    request.refresh_from_db()
    fact = request.snapshot.facts["metric.error_rate"]
    assert (fact["value"], fact["source"]) == ("0.012", f"http_json:{connection.pk}")


def test_the_address_is_filled_from_the_request(who, connect, remote):
    path = "/a/{project}/{environment}/{action}/{commit}?ref={ref}"
    remote.paths[f"/a/shop/production/deploy/{COMMIT}"] = Says(ANSWER)
    assert answer(who, connect(path=path))[0]["metric.error_rate"] == 0.012
    assert remote.asked[0][1].endswith("?ref=refs%2Fheads%2Fmain")


def test_a_request_that_does_not_name_it_asks_nothing(who, connect, remote):
    values, error = answer(who, connect(path="/image/{artifact}"))
    assert (error, remote.count()) == ("", 0)
    assert {state.kind for state in values.values()} == {"absent"}


@pytest.mark.parametrize("commit", ["..", ".", "a/../../admin", "a?b=c#d", "ü"])
def test_what_a_pipeline_names_leads_nowhere_else(who, connect, remote, commit):
    connection = connect(path="/image/{commit}/state")
    question = question_about(ask(who, subject={"commit": commit}), now())
    ask_source(remote_source(question, f"http_json:{connection.pk}"), question)
    asked = [path for _, path, _, _ in remote.asked]
    assert all(p.startswith("/image/") and p.endswith("/state") for p in asked)
    assert not any("/.." in p or "?" in p for p in asked)


def test_people_see_them_with_what_is_hidden_in_them_made_visible(who, connect):
    connect()
    request = ask(who)
    read_source(*due_readings()[0])
    shown = text(as_(who.alice).get(reverse("request", args=[request.pk])))
    assert "Error rate 0.012" in shown
    assert "green ⟨U+202E⟩" in shown
    assert "Slow checkout, =cmd()" in shown


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"rate": "0.5"}, "must be a number"),
        ({"rate": True}, "must be a number"),
        ({"rate": [1]}, "must be a number"),
        ({"rate": None}, "has nothing at that place"),
        ({}, "has nothing at that place"),
        ([], "has nothing at that place"),
        ({"rate": 1e400}, "no JSON"),
    ],
)
def test_what_is_not_of_the_type_is_unknown(who, connect, remote, body, words):
    raw = b'{"rate": 1e400}' if words == "no JSON" else body
    remote.paths["/status"] = Says(raw)
    values, error = answer(who, connect(facts="metric.error_rate = /rate"))
    assert words in (error or values["metric.error_rate"].reason)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Says(status=500), "answers 500"),
        (Says(status=503), "answers 503"),
        (Says(status=401), "refuses the credentials"),
        (Says(status=429, headers={"Retry-After": "7"}), "no more questions before"),
        (Says(ANSWER, broken=True), "breaks off"),
        (Says(b"<p>sorry"), "no JSON"),
        (Says(ANSWER, headers={"Content-Encoding": "gzip"}), "compressed"),
        (Says(b"[" * 100_000), "no JSON"),
        (Says(b" " * 5_000_000), "larger than"),
        (Says(status=302, headers={"Location": "http://127.0.0.1/"}), "redirect"),
    ],
)
def test_a_failure_is_unknown_with_its_reason(who, connect, remote, says, words):
    remote.paths["/status"] = says
    connection = connect()
    values, error = answer(who, connection)
    assert words in error
    assert {state.kind for state in values.values()} == {"unavailable"}
    if says.status != 429:
        assert words in Connection.objects.get().last_error


def test_nothing_at_the_address_is_no_fact_and_no_failure(who, connect, remote):
    values, error = answer(who, connect(path="/nowhere"))
    assert error == ""
    assert {state.kind for state in values.values()} == {"absent"}


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"facts": "error_rate = /rate"}, "facts", "is no name of a fact"),
        ({"facts": "metric.Error = /rate"}, "facts", "is no name of a fact"),
        ({"facts": "request.tier = /rate"}, "facts", "is no name of a fact"),
        ({"facts": "metric.a /rate"}, "facts", "write it like"),
        ({"facts": "metric.a = rate"}, "facts", "is no place"),
        ({"facts": "metric.a = /a | sum"}, "facts", "only count"),
        ({"facts": "metric.a = /a\nmetric.a = /b"}, "facts", "twice"),
        ({"facts": "\n".join(f"metric.a{n} = /a" for n in range(51))}, "facts", "at most 50"),
        ({"facts": ""}, "facts", "required"),
        ({"header": "X: y"}, "header", "no name of a header"),
        ({"url": "https://x.example/{secret}"}, "url", "There is no {secret}"),
        ({"url": "https://{project}.example/"}, "url", "no address"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(connect, settings, field, words):
    with pytest.raises(Invalid) as refusal:
        connect(settings=settings)
    assert refusal.value.extra["errors"][0]["field"] == field
    assert words in refusal.value.sentence


class TestCheck:
    def test_it_counts_what_it_found(self, who, connect):
        found = check_connection(by=who.admin, connection=connect())
        assert found.sentence == "It answers, and has a value for each of the 5 facts."

    def test_it_names_what_is_missing(self, who, connect, remote):
        remote.paths["/status"] = Says({"rate": 1})
        found = check_connection(by=who.admin, connection=connect())
        assert found.works
        assert "nothing for metric.incidents, flag.ready, text.state, items.t" in found.sentence

    def test_an_address_about_a_request_is_only_tried(self, who, connect):
        found = check_connection(by=who.admin, connection=connect(path="/image/{commit}"))
        assert found.sentence.startswith("It answers. What it says about a request")
