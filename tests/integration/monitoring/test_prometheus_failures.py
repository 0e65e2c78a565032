"""What a Prometheus says when it is not well, what is sent to it, and settings it cannot have."""

import time

import pytest

from approvals.connections.check import check_connection
from approvals.models import Connection
from portal.kernel.errors import Invalid
from tests.factories import COMMIT
from tests.remote import Says

pytestmark = pytest.mark.django_db

PATH = "/api/v1/query"


def sample(text="0.5", at=0, **more):
    """An answer with one sample, `at` seconds from now."""
    point = [round(time.time() + at, 3), text]
    return {"status": "success", "data": {"resultType": "vector", "result": [{"value": point}]},
            **more}  # fmt: skip


def vector(*result):
    return {"status": "success", "data": {"resultType": "vector", "result": list(result)}}


@pytest.fixture
def prometheus(connect, remote):
    return lambda queries="metric.a = up", **more: connect(
        "prometheus", remote.url, queries=queries, **more
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (sample("1_0e"), "not what Prometheus answers"),
        (vector({"value": [1, 2]}), "not what Prometheus answers"),
        (vector({"value": ["1", "2"]}), "not what Prometheus answers"),
        (vector({"value": [1e300, "2"]}), "not what Prometheus answers"),
        (vector("up"), "not what Prometheus answers"),
        ({"status": "success", "data": []}, "not what Prometheus answers"),
        ({"status": "error", "error": "x"}, "not what Prometheus answers"),
        ({"data": sample()["data"]}, "not what Prometheus answers"),
        ([], "not what Prometheus answers"),
        (None, "not what Prometheus answers"),
    ],
)
def test_an_answer_of_another_form_is_a_failure(prometheus, remote, read, body, words):
    remote.paths[PATH] = Says(body)
    values, error = read(prometheus())
    assert words in error
    assert values["metric.a"].kind == "unavailable"


@pytest.mark.parametrize(
    ("body", "words", "kind"),
    [
        (sample(at=-100_000), "not of the last 300 s", "unavailable"),
        (sample(at=100_000), "not of the last 300 s", "unavailable"),
        (sample(warnings=["store 2 is away \u202e"]), "store 2 is away ⟨U+202E⟩", "unavailable"),
        (sample("+Inf"), "gives inf", "absent"),
        (vector({"histogram": [1, {"count": "3"}]}), "histogram", "absent"),
        (vector(*[{"value": [1, "1"]}] * 3), "has 3 results", "absent"),
    ],
)
def test_what_may_be_old_or_a_part_is_unknown(prometheus, remote, read, body, words, kind):
    remote.paths[PATH] = Says(body)
    values, error = read(prometheus())
    assert error == ""
    assert words in values["metric.a"].reason.replace("\u202e", "⟨U+202E⟩")
    assert values["metric.a"].kind == kind


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Says(status=500), "answers 500"),
        (Says(status=401), "refuses the credentials"),
        (Says(b"<p>bad", 400), "answers 400"),
        (Says(sample(), broken=True), "breaks off"),
        (Says(b"<p>sorry"), "no JSON"),
    ],
)
def test_a_failure_is_unknown_with_its_reason(prometheus, remote, read, says, words):
    remote.paths[PATH] = says
    values, error = read(prometheus())
    assert words in error
    assert values["metric.a"].kind == "unavailable"


def test_no_answer_in_time_is_unknown(prometheus, remote, read, monkeypatch, hold):
    monkeypatch.setattr("approvals.context.sources.prometheus.PrometheusSource.budget", 0.2)
    remote.paths[PATH] = Says(sample(), after=hold)
    values, error = read(prometheus())
    assert "in time" in error
    assert values["metric.a"].kind == "unavailable"


@pytest.mark.parametrize(
    ("secrets", "settings", "sent"),
    [
        ({}, {}, {}),
        ({"secret": "s3cret"}, {}, {"authorization": "Bearer s3cret"}),
        ({"secret": "päss"}, {"user": "ana"}, {"authorization": "Basic YW5hOnDDpHNz"}),
        ({}, {"tenant": "shop"}, {"x-scope-orgid": "shop"}),
        ({}, {"tenant": "a|b", "tenant_header": "THANOS-TENANT"}, {"thanos-tenant": "a|b"}),
    ],
)
def test_it_signs_in_with_headers(prometheus, remote, read, secrets, settings, sent):
    remote.paths[PATH] = Says(sample())
    assert read(prometheus(secrets=secrets, **settings)) == ({"metric.a": 0.5}, "")
    headers = remote.asked[0][2]
    assert {name: headers[name] for name in sent} == sent
    assert ("authorization" in headers) == ("authorization" in sent)


def test_a_value_of_the_request_is_sent_as_a_text_of_the_query(prometheus, remote, read):
    remote.paths[PATH] = Says(sample())
    read(prometheus("metric.a = sum(up{env={environment},sha={commit},of={project}})"))
    assert f"env%3D%22production%22%2Csha%3D%22{COMMIT}%22%2Cof%3D%22shop%22" in remote.asked[0][1]


@pytest.mark.parametrize("commit", ['"} or vector(0) #', "\\", "a\nb"])
def test_nothing_a_pipeline_names_ends_that_text(prometheus, remote, read, commit):
    remote.paths[PATH] = Says(sample())
    try:
        read(prometheus("metric.a = sum(up{sha={commit}})"), subject={"commit": commit})
    except Invalid:
        return  # refused at the door
    assert all("%5C" in path for _, path, _, _ in remote.asked)


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"queries": ""}, "queries", "required"),
        ({"queries": "metric.a up"}, "queries", "Line 1: write it like"),
        ({"oldest": 0}, "oldest", "60 to 86400"),
        ({"user": "a:b"}, "user", "no colon"),
        ({"tenant": "a b"}, "tenant", "without spaces"),
        ({"tenant": "a", "tenant_header": "X: y"}, "tenant_header", "no name of a header"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(prometheus, settings, field, words):
    with pytest.raises(Invalid) as refusal:
        prometheus(**settings)
    assert refusal.value.extra["errors"][0]["field"] == field
    assert words in refusal.value.sentence


def test_the_test_of_a_connection_that_does_not_answer_says_why(prometheus, remote, who):
    remote.paths[PATH] = Says(status=500)
    found = check_connection(by=who.admin, connection=prometheus())
    assert (found.works, found.sentence) == (False, "its server answers 500")
    assert Connection.objects.get().last_error == "its server answers 500"
