"""What the request page tells of the world: the change, what ran here before, how sources do."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.context.source import SourceFailed
from approvals.context.sources.git import GitSource
from approvals.lifecycle.enrich import read_source
from approvals.lifecycle.finish import finish_permit, heartbeat
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.models import Reading
from approvals.queries.lately import last_actions, numbers_lately
from approvals.queries.page import request_page
from approvals.queries.visible import Sight, sight_of
from approvals.states import PermitStatus
from portal.accounts.authentication import authenticate_token
from portal.directory.models import Project
from portal.kernel.clock import now
from tests.factories import ask, decide, redeem
from tests.integration.pages import as_, text

HEAD = "a" * 40
MORE = ("ci", "pr", "alerts", "incident", "deployment", "metric.error_rate")
FORGE = {
    "git.exists": True,
    "git.head": HEAD,
    "git.is_head": True,
    "git.subject": "Raise the price",
    "git.url": "https://forge.example/c/1",
    "git.author": "dev@example.com",
    "git.committer": "dev@example.com",
    "git.authors": ["dev@example.com"],
    "git.signature": "none",
    "git.diff_lines": 13,
    "git.paths": ["a.py", "migrations/1.sql"],
    "git.stat": ["1 0 a.py", "12 0 migrations/1.sql"],
    "git.commits": ["1111 dev@example.com Raise the price"],
    "ci.state": "failure",
    "ci.total": 3,
    "ci.passed": ["unit", "lint"],
    "ci.failed": ["e2e"],
    "ci.pending": [],
    "pr.number": 214,
    "pr.title": "Raise the price",
    "pr.url": "https://forge.example/pull/214",
    "alerts.firing": ["HighErrorRate"],
    "alerts.count": 1,
    "alerts.worst": "critical",
    "incident.open": [],
    "incident.count": 0,
    "deployment.sha": HEAD,
    "deployment.state": "success",
    "deployment.age_s": 5400,
}


@pytest.fixture
def forge(who, monkeypatch):
    """Stands for git and everything beside it; change what it says."""
    ensure_signing_key()
    Project.objects.filter(pk=who.project.pk).update(repository="/played")
    who.token = authenticate_token(who.secret)
    says = dict(FORGE)
    monkeypatch.setattr(GitSource, "gives", (*GitSource.gives, "git.url", *MORE))
    monkeypatch.setattr(GitSource, "read", lambda self, question: dict(says))
    return says


def come(request):
    """Let a worker read for `request`, now."""
    Reading.objects.filter(request=request).update(next_try=now())
    assert read_source(request.id, "git")
    request.refresh_from_db()
    return request


def ran(who, outcome=PermitStatus.SUCCEEDED, **fields):
    """A request whose action ran and ended."""
    request = decide(come(ask(who, **fields)), who.alice)
    permit = redeem(who, request)
    run = {"permit_id": permit.id, "run_id": request.run["id"], "run_attempt": 1}
    heartbeat(token=who.token, **run)
    if outcome is not None:
        finish_permit(token=who.token, **run, outcome=outcome, exit_code=0)
    return request


def rows(page):
    return {row.name: row for group in page.world.groups for row in group.facts}


def test_the_change_stands_on_the_page_with_the_risky_file_first(who, forge):
    body = text(as_(who.bob).get(come(ask(who)).get_absolute_url()))
    assert "2 files · 1 commit by 1 author" in body
    assert "1 to look at first" in body
    assert body.index("migrations/1.sql") < body.index("a.py")
    assert "+12 −0" in body


def test_checks_pull_request_and_alerts_are_one_row_each(who, forge):
    found = rows(request_page(who.bob, come(ask(who)).id))
    checks = found["ci.state"]
    assert (checks.value, checks.more, checks.status) == ("2 of 3 passed", "failed: e2e", "look")
    assert checks.url == "https://forge.example/c/1"
    assert found["pr.number"].value == "#214 Raise the price"
    alerts = found["alerts.firing"]
    assert (alerts.value, alerts.more, alerts.status) == (
        "HighErrorRate",
        "worst: critical",
        "look",
    )
    assert (found["incident.open"].value, found["incident.open"].status) == ("none", "holds")
    assert found["deployment.sha"].more == "success · 1 h 30 ago"
    assert not {"ci.failed", "pr.title", "alerts.count", "git.committer", "git.exists"} & set(found)


def test_a_part_that_changed_gets_a_row_where_the_whole_did_not(who, forge):
    request = come(ask(who))
    seen = request.snapshot.digest
    forge |= {"ci.failed": ["e2e", "lint"], "ci.passed": ["unit"]}
    come(request)
    page = request_page(who.bob, request.id, seen=seen)
    assert {"ci.failed", "ci.passed"} <= {row.name for row in page.changed}


def test_the_forge_s_pages_are_links_and_nothing_else_is(who, forge):
    forge["git.url"] = "javascript:alert(1)"
    body = as_(who.bob).get(come(ask(who)).get_absolute_url()).content.decode()
    assert 'href="https://forge.example/pull/214" rel="noreferrer"' in body
    assert "javascript:" not in body


def test_checks_stand_one_by_one_the_failed_first_with_their_pages(who, forge):
    forge["ci.checks"] = [
        "passed https://forge.example/runs/1 unit",
        "failed https://forge.example/runs/2 e2e <b>on arm</b>",
        "pending - lint",
        "passed javascript:alert(1) mallory",
    ]
    page = as_(who.bob).get(come(ask(who)).get_absolute_url())
    checks = page.context["page"].world.checks
    assert [(line.state, line.name) for line in checks.open] == [
        ("failed", "e2e <b>on arm</b>"),
        ("pending", "lint"),
    ]
    assert [line.page for line in checks.passed] == ["", "https://forge.example/runs/1"]
    body = page.content.decode()
    assert '<a href="https://forge.example/runs/2" rel="noreferrer">e2e &lt;b&gt;' in body
    assert "javascript:" not in body


def test_the_last_actions_here_stand_with_their_ends_and_links(who, forge):
    first, failed, runs = ran(who), ran(who, PermitStatus.FAILED), ran(who, None)
    page = as_(who.bob).get(come(ask(who)).get_absolute_url())
    lines = page.context["page"].world.lately
    assert [line.request.id for line in lines] == [runs.id, failed.id, first.id]
    assert [line.status for line in lines] == ["running", "failed", "succeeded"]
    for request in (first, failed, runs):
        assert f'href="{request.get_absolute_url()}"' in page.content.decode()


def test_actions_and_numbers_that_the_reader_may_not_see_are_not_there(who, forge):
    forge["metric.error_rate"] = 0.01
    ran(who)
    request = come(ask(who))
    nothing = Sight(who.mallory.pk, [], [], {})
    for sight, found in ((sight_of(who.bob), 1), (nothing, 0)):
        assert len(last_actions(request, sight)) == found
        numbers = numbers_lately(request, ["metric.error_rate"], sight)
        assert bool(numbers["metric.error_rate"]) is bool(found)


def test_a_number_is_drawn_from_what_earlier_requests_saw(who, forge):
    for value in (0.002, 0.01, 0.0062):
        forge["metric.error_rate"] = value
        request = ran(who) if value != 0.0062 else come(ask(who))
    response = as_(who.bob).get(request.get_absolute_url())
    (row,) = [r for r in rows(response.context["page"]).values() if r.series]
    assert (row.label, row.value) == ("Error rate", "0.0062")
    assert [value for _at, value in row.series.points] == [0.002, 0.01, 0.0062]
    body = response.content.decode()
    assert "0.0062 now, between 0.002 and 0.01" in body
    assert "actions marked" in body


def test_what_is_being_read_has_its_row_before_the_answer_comes(who, forge):
    request = ask(who)
    page = request_page(who.bob, request.id)
    before = rows(page)
    assert {before[name].status for name in ("git.head", "ci.state", "alerts.firing")} == {
        "reading"
    }
    assert page.world.change.state == "reading"
    assert "0 of 1 sources have answered" in text(as_(who.bob).get(request.get_absolute_url()))
    after = rows(request_page(who.bob, come(request).id))
    groups = {"git", "ci", "alerts", "incident"}
    assert {name for name in before if name.partition(".")[0] in groups} <= set(after)


def test_a_silent_source_says_why_and_when_it_is_asked_again(who, forge, monkeypatch):
    request = ask(who)

    def fail(self, question):
        raise SourceFailed("nothing answers at its address")

    monkeypatch.setattr(GitSource, "read", fail)
    come(request)
    again = now() + timedelta(minutes=5)
    Reading.objects.filter(request=request).update(next_try=again)
    page = as_(who.bob).get(request.get_absolute_url())
    row = rows(page.context["page"])["git.head"]
    assert (row.status, row.attempt.why) == ("reading", "nothing answers at its address")
    assert row.attempt.again_at == again
    body = text(page)
    assert "git does not answer" in body
    assert "nothing answers at its address · asked again at" in body


def test_readings_in_a_row_are_one_line_of_the_history(who, forge):
    request = come(ask(who))
    for n in range(3):
        forge["git.subject"] = f"Message {n}"
        come(request)
    history = request_page(who.bob, request.id).history
    assert history[0].text.startswith("Facts were read 4 times since ")
    assert history[1].type != "snapshot.captured"
    assert history[-1].type == "request.submitted"


def test_the_page_costs_the_same_however_much_happened_here(who, forge):
    request = come(ask(who))

    def queries():
        with CaptureQueriesContext(connection) as captured:
            request_page(who.bob, request.id)
        return len(captured)

    forge["metric.error_rate"] = 0.01
    come(request)
    few = queries()
    for _ in range(3):
        ran(who)
    assert queries() <= few + 1
    assert few <= 24
