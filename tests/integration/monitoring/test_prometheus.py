"""Numbers of a real Prometheus: now, before, over a while; and whatever is no number."""

import pytest

from approvals.connections.check import check_connection
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.lifecycle.redeem import Drift
from approvals.models import Connection, KeptAnswer
from tests.factories import ask, decide, put_in_force, redeem
from tests.integration.monitoring.servers import METRICS
from tests.remote import Says
from tests.server import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("monitoring")]

QUERIES = """
metric.load = shop_load{environment={environment}}
metric.builds = sum(shop_builds{commit={commit}})
metric.rate (before 90m, min 2h, max 2h, avg 2h) = past_rate{environment={environment}}  # errors
"""

HOLD_ERRORS = """\
policy: errors
facts: v1
match: {projects: ["**"], environments: [production], actions: ["*"]}
rules:
  - id: burning
    when: metric.errors > 0.5
    deny: Errors are at {metric.errors}.
default: {require: {count: 1, from: [team-leads]}}
decide_within: 24h
valid_for: 1h
hold: [metric.errors]
tolerate: {metric.errors: 0.01}
"""


@pytest.fixture
def prometheus(monitoring, connect):
    """Connect the real one with these queries."""
    return lambda queries=QUERIES, oldest=3000: connect(
        "prometheus", monitoring.prometheus.url, queries=queries, oldest=oldest
    )


def test_numbers_now_before_and_over_a_while(prometheus, read):
    values, error = read(prometheus())
    assert error == ""
    average = values.pop("metric.rate_avg")
    assert values == {
        "metric.load": 4.5,
        "metric.builds": 3.0,
        "metric.rate": 0.05,
        "metric.rate_before": 0.01,
        "metric.rate_min": 0.01,
        "metric.rate_max": 0.05,
    }
    assert average == pytest.approx(0.03, abs=0.002)


def test_they_come_into_the_snapshot_and_are_asked_once_for_all_who_wait(prometheus, who):
    connection = prometheus("metric.load = shop_load{environment={environment}}")
    waiting = [ask(who), ask(who)]
    for due in due_readings():
        read_source(*due)
    for request in waiting:
        request.refresh_from_db()
        fact = request.snapshot.facts["metric.load"]
        assert (fact["value"], fact["provenance"]) == ("4.5", "attested")
        assert fact["source"] == f"prometheus:{connection.pk}"
    assert KeptAnswer.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "words", "kind"),
    [
        ("rate(shop_gone_total[5m])", "the query has no result", "absent"),
        ("shop_load", "the query has 2 results, not one", "absent"),
        ("shop_nothing", "gives nan", "absent"),
        ("shop_load{environment={environment}} / 0", "gives inf", "absent"),
        ("shop_load[5m]", "gives a matrix, not a number", "absent"),
        ('"text"', "gives a string, not a number", "absent"),
        ("sum(shop_load", "does not take the query", "unavailable"),
        ("shop_load * on(job) shop_load", "duplicate series", "unavailable"),
        ("shop_builds{commit={commit}} offset 1h", "the query has no result", "absent"),
    ],
)
def test_what_is_no_number_is_unknown_and_says_why(prometheus, read, query, words, kind):
    values, error = read(prometheus(f"metric.a = {query}\nmetric.b = 1"))
    assert (error, values["metric.b"]) == ("", 1.0)
    assert words in values["metric.a"].reason
    assert values["metric.a"].kind == kind


def test_what_was_last_seen_too_long_ago_is_unknown(prometheus, read):
    connection = prometheus("metric.late = past_late")
    assert read(connection)[0] == {"metric.late": 7.0}
    Connection.objects.update(settings={**connection.settings, "oldest": 30}, revision=2)
    assert "only older ones" in read(connection)[0]["metric.late"].reason


def test_a_request_that_names_no_commit_asks_for_none(prometheus, read):
    connection = prometheus("metric.builds = sum(shop_builds{commit={commit}})")
    values, _ = read(connection, subject={"artifact": f"sha256:{'7be1' * 16}"})
    assert values["metric.builds"].reason == "the request names no value for the query"
    assert not KeptAnswer.objects.exists()


class TestCheck:
    def test_it_says_which_queries_give_a_number(self, prometheus, who):
        queries = f"{QUERIES}metric.up = sum(up)\nmetric.gone = gone"
        found = check_connection(by=who.admin, connection=prometheus(queries))
        assert found.works
        assert found.sentence == (
            "It takes all 9 queries. 1 of 2 give a number now. metric.gone: the query has no "
            "result, or only older ones. What the others say about a request is seen when one asks."
        )

    @pytest.mark.parametrize("query", ["sum(up{env={environment}}", "sum(up"])
    def test_a_query_that_is_not_taken_is_shown_with_its_error(self, prometheus, who, query):
        found = check_connection(by=who.admin, connection=prometheus(f"metric.up = {query}"))
        assert not found.works
        assert "metric.up: it does not take the query" in found.sentence
        assert "parse error: unclosed left parenthesis" in found.sentence
        assert "parse error" in Connection.objects.get().last_error


@pytest.mark.django_db(transaction=True)
class TestDrift:
    """An approval holds while the number that it was given on does."""

    @pytest.fixture
    def says(self, monitoring):
        """Make the exporter say `moving`, and wait until Prometheus saw it."""

        def act(number):
            text = f"{METRICS}moving {number}\n"
            monitoring.exporter.paths["/metrics"] = Says(text.encode())
            eventually(lambda: f'"{number}"' in monitoring.said("moving"), "the scrape")

        yield act
        monitoring.exporter.paths["/metrics"] = Says(METRICS.encode())

    @pytest.fixture
    def approved(self, who, prometheus, says):
        put_in_force(who.admin, who.deputy, HOLD_ERRORS)
        prometheus("metric.errors = moving")
        says("0.01")
        request = ask(who)
        for due in due_readings():
            read_source(*due)
        decide(request, who.alice)
        assert request.status == "approved"
        return request

    def test_what_stays_within_tolerance_runs(self, who, approved, says):
        says("0.015")
        assert redeem(who, approved).status == "issued"

    def test_what_moved_further_is_drift_and_shown(self, who, approved, says):
        says("0.25")
        with pytest.raises(Drift):
            redeem(who, approved)
        approved.refresh_from_db()
        assert approved.status == "pending"
        assert approved.snapshot.facts["metric.errors"]["value"] == "0.25"

    def test_what_is_not_scraped_any_more_is_drift(self, who, approved, monitoring):
        monitoring.exporter.paths["/metrics"] = Says(METRICS.encode())
        eventually(lambda: '"result":[]' in monitoring.said("moving"), "the series ends")
        with pytest.raises(Drift):
            redeem(who, approved)
