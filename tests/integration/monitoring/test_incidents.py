"""Open incidents and people on call, in the forms that PagerDuty and Opsgenie document."""

from datetime import timedelta

import pytest

from approvals.connections.check import check_connection
from approvals.context.sources.incidents import MOST_PAGES
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Invalid
from tests.remote import Says

pytestmark = pytest.mark.django_db

KEY = {"secret": "k3y"}


def ago(**length):
    return rfc3339(now() - timedelta(**length))


def pagerduty(title="Checkout is slow", **more):
    return {
        "id": "Q1", "type": "incident", "incident_number": 4711, "title": title,
        "created_at": ago(minutes=90), "status": "triggered", "urgency": "high",
        "priority": None, "service": {"id": "P1", "type": "service_reference"}, **more,
    }  # fmt: skip


def pages(*lists, name="incidents", more=None):
    """Answers page by page, each with what PagerDuty says about the next one."""
    answers = [
        {name: found, "limit": 100, "offset": 100 * number, "total": None,
         "more": number + 1 < len(lists) if more is None else more}
        for number, found in enumerate(lists)
    ]  # fmt: skip
    left = iter(answers)
    return lambda headers: Says(next(left, answers[-1]))


def opsgenie(**more):
    return {
        "id": "70413a06", "tinyId": "1791", "alias": "event_573", "message": "Disk is full",
        "status": "open", "acknowledged": False, "createdAt": ago(hours=2), "priority": "P3",
        "tags": ["prod"], "owner": "", **more,
    }  # fmt: skip


@pytest.fixture
def connect_to(connect, remote):
    def act(system, path="/list", **settings):
        return connect("incidents", f"{remote.url}{path}", secrets=KEY, system=system, **settings)

    return act


def about(value, seconds):
    return seconds <= value < seconds + 60


class TestPagerDuty:
    def test_open_incidents(self, connect_to, remote, read):
        remote.paths["/list"] = pages(
            [pagerduty(), pagerduty("Disk", urgency="low", created_at=ago(hours=3))]
        )
        values, error = read(connect_to("pagerduty-incidents"))
        assert error == ""
        assert about(values.pop("incident.oldest_age_s"), 3 * 3600)
        assert values == {
            "incident.open": ("Checkout is slow", "Disk"),
            "incident.count": 2,
            "incident.worst": "high",
        }
        _, path, headers, _ = remote.asked[0]
        assert path == "/list?statuses%5B%5D=triggered&statuses%5B%5D=acknowledged&limit=100"
        assert headers["authorization"] == "Token token=k3y"
        assert headers["accept"] == "application/vnd.pagerduty+json;version=2"

    def test_none_is_known_to_be_none(self, connect_to, remote, read):
        remote.paths["/list"] = pages([])
        assert read(connect_to("pagerduty-incidents"))[0] == {
            "incident.open": (),
            "incident.count": 0,
            "incident.worst": "",
            "incident.oldest_age_s": 0,
        }

    def test_what_is_resolved_does_not_count_whatever_was_asked(self, connect_to, remote, read):
        remote.paths["/list"] = pages([pagerduty(status="resolved"), pagerduty(status="new?")])
        assert read(connect_to("pagerduty-incidents"))[0]["incident.count"] == 1

    def test_all_pages_are_read(self, connect_to, remote, read):
        remote.paths["/list"] = pages([pagerduty()] * 2, [pagerduty()] * 2, [pagerduty()])
        assert read(connect_to("pagerduty-incidents", "/list?limit=2"))[0]["incident.count"] == 5
        offsets = [path.partition("offset=")[2] for _, path, _, _ in remote.asked]
        assert offsets == ["", "2", "4"]
        assert all(path.count("limit=") == 1 for _, path, _, _ in remote.asked)

    def test_a_part_of_too_many_pages_is_no_answer(self, connect_to, remote, read):
        remote.paths["/list"] = pages([pagerduty()], more=True)
        values, error = read(connect_to("pagerduty-incidents"))
        assert "more than 10 pages; narrow the address" in error
        assert {state.kind for state in values.values()} == {"unavailable"}
        assert remote.count() == MOST_PAGES

    def test_who_is_on_call(self, connect_to, remote, read):
        ana = {"user": {"type": "user", "email": "ana@example.com"}, "escalation_level": 1}
        ben = {"user": {"type": "user", "email": "ben@example.com"}, "escalation_level": 2}
        remote.paths["/list"] = pages([ben, ana], [ana], name="oncalls")
        assert read(connect_to("pagerduty-oncalls"))[0] == {
            "oncall.now": ("ana@example.com", "ben@example.com")
        }
        assert remote.asked[0][1] == "/list?include%5B%5D=users&limit=100"

    def test_somebody_without_an_address_leaves_nobody_known(self, connect_to, remote, read):
        remote.paths["/list"] = pages([{"user": {"type": "user_reference"}}], name="oncalls")
        assert "no e-mail address" in read(connect_to("pagerduty-oncalls"))[0]["oncall.now"].reason


class TestOpsgenie:
    def test_open_alerts_over_all_pages(self, connect_to, remote, read):
        onward = {"data": [opsgenie()], "paging": {"next": f"{remote.url}/two?offset=100"}}
        remote.paths["/list"] = Says(onward)
        last = [opsgenie(message="Down", priority="P1"), opsgenie(status="closed")]
        remote.paths["/two"] = Says({"data": last, "paging": {}, "took": 0.1})
        values, _ = read(connect_to("opsgenie-alerts"))
        assert values["incident.open"] == ("Disk is full", "Down")
        assert values["incident.worst"] == "P1"
        assert about(values["incident.oldest_age_s"], 2 * 3600)
        assert remote.asked[0][1] == "/list?query=status%3Aopen&limit=100"
        assert [asked[2]["authorization"] for asked in remote.asked] == ["GenieKey k3y"] * 2

    def test_a_query_of_ones_own_is_asked_instead(self, connect_to, remote, read):
        remote.paths["/list"] = Says({"data": []})
        read(connect_to("opsgenie-alerts", "/list?query=status%3Aopen+AND+tag%3Aprod"))
        assert remote.asked[0][1] == "/list?query=status%3Aopen+AND+tag%3Aprod&limit=100"

    def test_the_next_page_is_read_on_the_same_server_only(self, connect_to, remote, read):
        next_page = {"next": "http://169.254.169.254/latest/meta-data"}
        remote.paths["/list"] = Says({"data": [opsgenie()], "paging": next_page})
        values, error = read(connect_to("opsgenie-alerts"))
        assert "not among those that may be asked" in error
        assert values["incident.count"].kind == "unavailable"

    def test_who_is_on_call(self, connect_to, remote, read):
        remote.paths["/list"] = Says(
            {"data": {"_parent": {"id": "d8"}, "onCallRecipients": ["ana@example.com"]}}
        )
        assert read(connect_to("opsgenie-oncalls"))[0] == {"oncall.now": ("ana@example.com",)}
        assert remote.asked[0][1] == "/list?flat=true"


class TestOther:
    @pytest.fixture
    def other(self, connect_to):
        """A system with places of its own."""
        return lambda **more: connect_to(
            "incidents",
            **{"text": "/name", "severity": "/sev", "order": "1, 2", "began": "/at",
               "status": "/done", "closed": "true, cancelled", "next": "/links/next",
               "elements": "/items", "header": "X-Key", **more},
        )  # fmt: skip

    def test_places_are_what_people_wrote(self, other, remote, read):
        at = int(now().timestamp()) - 600
        items = [{"name": "a", "sev": 2, "at": at, "done": False}, {"name": "b", "done": True},
                 {"name": "c", "done": "Cancelled"}]  # fmt: skip
        first = {"items": items, "links": {"next": "?page=2"}}
        answers = iter([Says(first), Says({"items": [], "links": {"next": None}})])
        remote.paths["/list"] = lambda headers: next(answers)
        values, error = read(other())
        assert error == ""
        assert about(values.pop("incident.oldest_age_s"), 600)
        assert values == {
            "incident.open": ("a",),
            "incident.count": 1,
            "incident.worst": "2",
        }
        assert [asked[1] for asked in remote.asked] == ["/list", "/list?page=2"]
        assert remote.asked[0][2]["x-key"] == "k3y"

    def test_without_a_place_nobody_gives_the_fact(self, other, remote, read):
        remote.paths["/list"] = Says(["a", "b"])
        places = dict.fromkeys(("elements", "text", "severity", "began", "status", "next"), "")
        values, _ = read(other(**places))
        assert values == {"incident.open": ("a", "b"), "incident.count": 2}

    @pytest.mark.parametrize(
        ("element", "name", "words"),
        [
            ({"name": None}, "incident.open", "no title"),
            ({}, "incident.open", "no title"),
            (7, "incident.open", "no title"),
            ({"name": "a\0"}, "incident.open", "NUL"),
            ({"name": "a", "sev": 3}, "incident.worst", "“3” is not in the order"),
            ({"name": "a", "sev": [1]}, "incident.worst", "one has none"),
            ({"name": "a", "at": "yesterday"}, "incident.oldest_age_s", "when it began"),
            ({"name": "a", "at": "2026-01-01T00:00:00"}, "incident.oldest_age_s", "when it"),
            ({"name": "a", "at": 1e300}, "incident.oldest_age_s", "when it began"),
            ({"name": "a", "at": True}, "incident.oldest_age_s", "when it began"),
            ({"name": "a"}, "incident.oldest_age_s", "when it began"),
        ],
    )
    def test_what_an_incident_does_not_say_is_unknown_and_it_counts(
        self, other, remote, read, element, name, words
    ):
        remote.paths["/list"] = Says({"items": [element]})
        values, error = read(other())
        assert (error, values["incident.count"]) == ("", 1)
        assert words in values[name].reason

    def test_a_long_title_is_cut(self, other, remote, read):
        remote.paths["/list"] = Says({"items": [{"name": "x" * 9000}]})
        assert read(other())[0]["incident.open"] == (f"{'x' * 300}…",)

    @pytest.mark.parametrize(
        ("settings", "field", "words"),
        [
            ({"text": "name"}, "text", "no place"),
            ({"next": "links/next"}, "next", "no place"),
            ({"order": ""}, "order", "the worst first"),
            ({"order": "1, 1"}, "order", "different words"),
            ({"header": "X Key"}, "header", "no name of a header"),
        ],
    )
    def test_settings_that_cannot_be_used_are_refused(self, other, settings, field, words):
        with pytest.raises(Invalid) as refusal:
            other(**settings)
        assert refusal.value.extra["errors"][0]["field"] == field
        assert words in refusal.value.sentence


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (Says({}), "no list at “/incidents”"),
        (Says([]), "no list at “/incidents”"),
        (Says({"incidents": {"a": 1}}), "no list at “/incidents”"),
        (Says({"incidents": []}), "does not say whether it goes on"),
        (Says({"incidents": [], "more": "yes"}), "does not say whether it goes on"),
        (Says(status=500), "answers 500"),
        (Says(status=401), "refuses the credentials"),
        (Says({"incidents": ["x"] * 100}, broken=True), "breaks off"),
        (Says(b"<p>sorry"), "no JSON"),
    ],
)
def test_a_failure_is_unknown_with_its_reason(connect_to, remote, read, says, words):
    remote.paths["/list"] = says
    values, error = read(connect_to("pagerduty-incidents"))
    assert words in error
    assert {state.kind for state in values.values()} == {"unavailable"}


def test_no_answer_in_time_is_unknown(connect_to, remote, read, monkeypatch, hold):
    monkeypatch.setattr("approvals.context.sources.incidents.IncidentsSource.budget", 0.2)
    remote.paths["/list"] = Says({}, after=hold)
    assert "in time" in read(connect_to("pagerduty-incidents"))[1]


class TestCheck:
    @pytest.mark.parametrize(
        ("system", "body", "works", "words"),
        [
            ("pagerduty-incidents", {"incidents": [pagerduty()], "more": False}, True,
             "It answers. Open incidents: 1."),
            ("opsgenie-oncalls", {"data": {"onCallRecipients": ["a@b.c"]}}, True,
             "It answers. People on call now: 1."),
            ("pagerduty-oncalls", {"oncalls": [{}], "more": False}, False,
             "somebody on call has no e-mail address at that place"),
        ],
    )  # fmt: skip
    def test_it_says_what_it_found(self, connect_to, remote, who, system, body, works, words):
        remote.paths["/list"] = Says(body)
        found = check_connection(by=who.admin, connection=connect_to(system))
        assert (found.works, found.sentence) == (works, words)
