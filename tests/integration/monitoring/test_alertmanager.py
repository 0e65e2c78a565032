"""Alerts of a real Alertmanager: which count, which do not; and one that is not well."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from approvals.connections.check import check_connection
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Invalid
from tests.factories import COMMIT
from tests.remote import Says
from tests.server import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("monitoring")]

PATH = "/api/v2/alerts"
OURS = "environment = {environment}"


@pytest.fixture
def real(monitoring, connect):
    """Connect the real one; a team of its own keeps the alerts of each test apart."""

    def act(**settings):
        return connect("alertmanager", monitoring.alertmanager.url, **settings)

    act.team = f"team-{uuid4().hex}"
    act.ours = f'team = "{act.team}"\n{OURS}'
    return act


@pytest.fixture
def fire(monitoring, real):
    """Send an alert, as Prometheus does; another label by name, an empty one not at all."""

    def act(name, severity="warning", **labels):
        given = {"alertname": name, "severity": severity, "environment": "production",
                 "team": real.team, **labels}  # fmt: skip
        kept = {label: value for label, value in given.items() if value}
        monitoring.alertmanager.call(PATH, [{"labels": kept}])

    return act


@pytest.fixture
def silence(monitoring, real):
    def act(name):
        matchers = [{"name": label, "value": value, "isRegex": False, "isEqual": True}
                    for label, value in (("alertname", name), ("team", real.team))]  # fmt: skip
        body = {"matchers": matchers, "startsAt": rfc3339(now()), "createdBy": "a", "comment": "b",
                "endsAt": rfc3339(now() + timedelta(hours=1))}  # fmt: skip
        return json.loads(monitoring.alertmanager.call("/api/v2/silences", body))

    return act


def test_none_is_known_to_be_none(real, read):
    assert read(real(matchers=real.ours)) == (
        {"alerts.firing": (), "alerts.count": 0, "alerts.worst": ""},
        "",
    )


def test_names_number_and_worst_of_those_that_fit(real, read, fire):
    fire("Slow", instance="a")
    fire("Slow", instance="b")
    fire("Down", "critical")
    fire("Elsewhere", "critical", environment="staging")
    assert read(real(matchers=real.ours))[0] == {
        "alerts.firing": ("Down", "Slow"),
        "alerts.count": 3,
        "alerts.worst": "critical",
    }


def test_silenced_and_inhibited_alerts_do_not_count(real, read, fire, silence):
    fire("DatacentreDown", "error")
    fire("Inhibited")
    fire("Silenced", "critical")
    silence("Silenced")
    assert read(real(matchers=real.ours))[0] == {
        "alerts.firing": ("DatacentreDown",),
        "alerts.count": 1,
        "alerts.worst": "error",
    }


def test_what_prometheus_sends_arrives(real, read, monitoring):
    arrived = lambda: b"Trouble" in monitoring.alertmanager.call(PATH)  # noqa: E731
    eventually(arrived, "the alert of the rule")
    values, _ = read(real(matchers='environment = "testing"\nalertname =~ "Tro.*"'))
    assert values["alerts.firing"] == ("Trouble",)


@pytest.mark.parametrize(
    ("severity", "words"),
    [("page", "“page” is not in the order"), ("", "one has none")],
)
def test_a_severity_that_nobody_ordered_is_not_guessed(real, read, fire, severity, words):
    fire("Odd", severity)
    values, _ = read(real(matchers=real.ours))
    assert (values["alerts.count"], values["alerts.firing"]) == (1, ("Odd",))
    assert words in values["alerts.worst"].reason


def test_next_to_the_worst_of_the_order_it_does_not_matter(real, read, fire):
    fire("Odd", "page")
    fire("Worst", "critical")
    assert read(real(matchers=real.ours))[0]["alerts.worst"] == "critical"


def test_while_the_alert_that_always_fires_does_not_nothing_is_known(real, read, fire):
    fire("Slow")
    always = f"Watchdog-{real.team}"
    connection = real(matchers=real.ours, always=always)
    values, error = read(connection)
    assert "which always fires, does not" in error
    assert {state.kind for state in values.values()} == {"unavailable"}


def test_the_alert_that_always_fires_does_not_count(real, read, fire):
    fire("Slow")
    always = f"Watchdog-{real.team}"
    fire(always, "none")
    values, _ = read(real(matchers=real.ours, always=always))
    assert values == {"alerts.firing": ("Slow",), "alerts.count": 1, "alerts.worst": "warning"}


def test_a_request_that_names_no_commit_is_not_asked_about(real, read):
    connection = real(matchers="sha = {commit}")
    values, error = read(connection, subject={"artifact": f"sha256:{'7be1' * 16}"})
    assert error == ""
    assert {state.kind for state in values.values()} == {"absent"}


class TestCheck:
    def test_it_counts_what_fires(self, real, who, fire):
        fire("Slow")
        found = check_connection(by=who.admin, connection=real(matchers=f'team = "{real.team}"'))
        assert found.works
        assert found.sentence.endswith("; that fit: 1.")

    def test_with_values_of_a_request_it_only_asks(self, real, who):
        found = check_connection(by=who.admin, connection=real(matchers=OURS))
        assert found.sentence.endswith("Which of them fit is seen when one asks.")

    def test_matchers_that_are_not_taken_are_shown_with_the_error(self, real, who):
        found = check_connection(by=who.admin, connection=real(matchers='a =~ "("'))
        assert not found.works
        assert "it does not take the matchers" in found.sentence
        assert "missing closing )" in found.sentence

    def test_without_the_alert_that_always_fires_it_fails(self, real, who):
        found = check_connection(by=who.admin, connection=real(always="Watchdog"))
        assert (found.works, found.sentence) == (
            False,
            "Watchdog, which always fires, does not: alerts may be missing",
        )


@pytest.fixture
def played(connect, remote):
    return lambda **settings: connect("alertmanager", remote.url, **settings)


def alert(**more):
    status = {"state": "active", "silencedBy": [], "inhibitedBy": []}
    return {"labels": {"alertname": "Slow", "severity": "info"}, "status": status, **more}


def test_what_is_asked(played, remote, read):
    remote.paths[PATH] = Says([])
    read(played(matchers=f"sha={{commit}}\n{OURS}", secrets={"secret": "s3cret"}))
    _, path, headers, _ = remote.asked[0]
    assert path == (
        f"{PATH}?active=true&silenced=false&inhibited=false&filter=sha%3D%22{COMMIT}%22"
        "&filter=environment+%3D+%22production%22"
    )
    assert headers["authorization"] == "Bearer s3cret"


def test_a_server_that_sends_silenced_alerts_all_the_same(played, remote, read):
    quiet = {"state": "suppressed", "silencedBy": ["1"], "inhibitedBy": []}
    remote.paths[PATH] = Says([alert(), alert(status=quiet)])
    assert read(played())[0]["alerts.count"] == 1


def test_a_hostile_name_makes_the_names_unknown_and_counts(played, remote, read):
    labels = {"alertname": "a\0b", "severity": "critical"}
    remote.paths[PATH] = Says([alert(labels=labels), alert(labels={})])
    values, _ = read(played())
    assert "NUL" in values["alerts.firing"].reason
    assert (values["alerts.count"], values["alerts.worst"]) == (2, "critical")


@pytest.mark.parametrize(
    "body",
    [{}, None, "x", [1], [{}], [alert(labels=["a"])], [alert(labels={"alertname": 1})],
     [alert(status="active")], [alert(status={"silencedBy": None, "inhibitedBy": []})]],
)  # fmt: skip
def test_an_answer_of_another_form_is_a_failure(played, remote, read, body):
    remote.paths[PATH] = Says(body)
    values, error = read(played())
    assert "not what Alertmanager answers" in error
    assert {state.kind for state in values.values()} == {"unavailable"}


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Says(status=500), "answers 500"),
        (Says(status=401), "refuses the credentials"),
        (Says(b"<p>", 400), "answers 400"),
        (Says([alert()] * 50, broken=True), "breaks off"),
        (Says(b"<p>sorry"), "no JSON"),
        (Says([alert(annotations={"text": "x" * 5_000_000})]), "larger than"),
    ],
)
def test_a_failure_is_unknown_with_its_reason(played, remote, read, says, words):
    remote.paths[PATH] = says
    values, error = read(played())
    assert words in error
    assert {state.kind for state in values.values()} == {"unavailable"}


def test_no_answer_in_time_is_unknown(played, remote, read, monkeypatch, hold):
    monkeypatch.setattr("approvals.context.sources.alertmanager.AlertmanagerSource.budget", 0.2)
    remote.paths[PATH] = Says([], after=hold)
    assert "in time" in read(played())[1]


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"matchers": "environment"}, "matchers", "Matcher 1: write it like"),
        ({"matchers": 'a = "b"\nc = d'}, "matchers", "Matcher 2: write it like"),
        ({"matchers": 'a = "{environment}"'}, "matchers", "without quotation marks"),
        ({"matchers": "a =~ {environment}"}, "matchers", "only behind = or !="),
        ({"matchers": 'a = "b'}, "matchers", "does not end"),
        ({"matchers": 'a = "b"\n' * 21}, "matchers", "at most 20"),
        ({"order": ","}, "order", "the worst first"),
        ({"order": "a, b, a"}, "order", "different words"),
        ({"label": "a b"}, "label", "no name of a label"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(played, settings, field, words):
    with pytest.raises(Invalid) as refusal:
        played(**settings)
    assert refusal.value.extra["errors"][0]["field"] == field
    assert words in refusal.value.sentence
