"""A round that drift began asks its sources anew, whatever the round before asked."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from approvals.lifecycle.enrich import due_readings
from approvals.lifecycle.redeem import Drift
from approvals.lifecycle.rejudge import judge_again
from approvals.lifecycle.transition import locked
from approvals.models import Reading
from policies.models import Policy
from policies.publishing import publish_version, save_version
from portal.kernel.errors import Unavailable
from tests.api import call
from tests.factories import ask, decide, redeem
from tests.integration.lifecycle.conftest import HEAD, WRITERS
from tests.integration.pages import as_, text

pytestmark = pytest.mark.django_db

AUTO = '  - {id: auto, when: "true", approve: auto}\n'
AUTO_PEOPLE = '  - {id: lead, when: "true", require: {count: 1, from: [team-leads]}}\n'
SMALL = """\
  - id: small
    when: git.diff_lines < 100
    approve: auto
"""


def now_rules(who, old, new):
    """Another version of the policy comes into force."""
    text = Policy.objects.get().in_force.text.replace(old, new)
    version = save_version(by=who.admin, policy=Policy.objects.get(), text=text)
    publish_version(by=who.deputy, version=version)


def test_a_request_let_through_at_once_is_read_when_drift_sends_it_back(company_with, git):
    who = company_with(AUTO, hold="[history.running_commit]")
    first, second = ask(who, "staging"), ask(who, "staging")
    assert (second.status, due_readings()) == ("approved", [])
    finish(who, first)
    now_rules(who, AUTO, SMALL)
    with pytest.raises(Drift):
        redeem(who, second)
    second.refresh_from_db()
    assert second.round == 2
    assert second.status == "pending"
    assert due_readings() == [(second.id, "git")]
    git.says = {**WRITERS, "git.diff_lines": 5}
    assert git.come(second).status == "approved"


def finish(who, request):
    from approvals.lifecycle.finish import finish_permit
    from approvals.states import PermitStatus

    finish_permit(
        token=who.token, permit_id=redeem(who, request).id, run_id=request.run["id"],
        run_attempt=1, outcome=PermitStatus.SUCCEEDED, exit_code=0,
    )  # fmt: skip


def test_a_moved_branch_voids_the_approval_and_is_read_again(company_with, git):
    who = company_with(AUTO_PEOPLE, hold="[git.head]")
    request = decide(git.come(ask(who)), who.alice)
    git.says = {**git.says, "git.head": "b" * 40}
    with pytest.raises(Drift) as drift:
        redeem(who, request)
    (change,) = drift.value.extra["drift"]
    assert (change["fact"], change["old"], change["new"]) == ("git.head", HEAD, "b" * 40)
    request.refresh_from_db()
    assert (request.status, request.round, request.given) == ("pending", 2, 0)
    reading = Reading.objects.get(request=request)
    assert (reading.attempts, due_readings()) == (0, [(request.id, "git")])
    assert decide(git.come(request), who.bob).status == "approved"
    assert redeem(who, request).status == "issued"


def test_a_source_that_is_away_at_the_moment_of_use_lets_nothing_through(company_with, git):
    who = company_with(AUTO_PEOPLE, hold="[git.head]")
    request = decide(git.come(ask(who)), who.alice)
    git.fail()
    with pytest.raises(Unavailable, match="nothing answers"):
        redeem(who, request)
    request.refresh_from_db()
    assert (request.status, request.round) == ("approved", 1)  # nothing is known to have moved


def test_the_last_redeem_that_met_a_silent_source_is_told_until_one_goes_well(company_with, git):
    who = company_with(AUTO_PEOPLE, hold="[git.head]")
    request = decide(git.come(ask(who)), who.alice)
    before = dict(git.says)

    def said():
        page = text(as_(who.alice).get(f"/requests/{request.id}"))
        return call(who.secret, "get", f"/requests/{request.id}").json()["summary"], page

    summary, page = said()
    assert summary == "Approved; waiting for the pipeline to go on."
    assert "did not answer" not in page
    git.fail("the repository could not be read: \x1b[31mgone")
    with pytest.raises(Unavailable):
        redeem(who, request)
    summary, page = said()
    assert summary.startswith("Approved, but the last redeem failed: a source does not answer (")
    assert "could not be read" in summary
    assert "\x1b" not in summary + page
    assert "a source that must be asked again did not answer." in page
    git.says = before
    redeem(who, request)
    request.refresh_from_db()
    assert (request.redeem_failure, request.redeem_failed_at) == ("", None)


def test_drift_clears_what_the_last_redeem_met(company_with, git):
    who = company_with(AUTO_PEOPLE, hold="[git.head]")
    request = decide(git.come(ask(who)), who.alice)
    before = dict(git.says)
    git.fail()
    with pytest.raises(Unavailable):
        redeem(who, request)
    git.says = {**before, "git.head": "b" * 40}
    with pytest.raises(Drift):
        redeem(who, request)
    request.refresh_from_db()
    assert (request.redeem_failure, request.redeem_failed_at) == ("", None)


def test_open_pages_are_told_once_of_each_reason_why_a_redeem_failed(company_with, git):
    who = company_with(AUTO_PEOPLE, hold="[git.head]")
    request = decide(git.come(ask(who)), who.alice)
    told = []
    for reason in ("gone", "gone", "a firewall"):
        git.fail(reason)
        with CaptureQueriesContext(connection) as captured, pytest.raises(Unavailable):
            redeem(who, request)
        sent = [query["sql"] for query in captured if "pg_notify" in query["sql"]]
        told.append(len(sent))
        assert all(str(request.id) in sql and reason not in sql for sql in sent)
    assert told == [1, 0, 1]


def test_whoever_judges_before_the_sources_answer_stays_on_what_drifted(company_with, git):
    """Another source may answer first, or policy move: neither goes back to before the drift."""
    who = company_with(AUTO_PEOPLE, hold="[git.head]")
    request = decide(git.come(ask(who)), who.alice)
    git.says = {**git.says, "git.head": "b" * 40}
    with pytest.raises(Drift):
        redeem(who, request)
    with transaction.atomic():
        judge_again(locked(request.id))
    request.refresh_from_db()
    assert request.snapshot.facts["git.head"]["value"] == "b" * 40
    assert (request.round, request.status) == (2, "pending")
