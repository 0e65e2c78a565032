"""The sentence and the counts that status lines, the API and the page share."""

import pytest

from approvals.lifecycle.expire import expire_all
from approvals.queries import summary, waiting_for
from approvals.votes import counting_approvals
from portal.directory.groups import add_member, remove_member
from portal.directory.models import ApproverGroup
from portal.kernel.clock import now
from tests.api import call
from tests.factories import ask, backdate, decide, person, redeem
from tests.integration.pages import as_, text

pytestmark = pytest.mark.django_db

TWO = '  - {id: two, when: "true", require: {count: 2, from: [team-leads]}}\n'
SMALL = '  - {id: small, when: "true", approve: auto}\n'


def test_the_vote_of_an_author_is_counted_nowhere(company_with, git):
    who = company_with(TWO)
    group = ApproverGroup.objects.get(name="team-leads")
    add_member(by=who.admin, group=group, person=person(who.admin, "Cleo Lead"))
    request = decide(git.come(ask(who)), who.alice)
    decisions = list(request.decisions.all())
    assert counting_approvals(request, decisions) == decisions
    assert waiting_for(request)[0].given == 1
    git.says = {**git.says, "git.authors": ["alice@example.com"]}
    git.come(request)
    assert counting_approvals(request, decisions) == []
    assert waiting_for(request)[0].given == 0
    assert "0 given" in text(as_(who.bob).get(f"/requests/{request.id}"))
    shown = call(who.secret, "get", f"/requests/{request.id}").json()
    assert shown["waiting_for"][0]["given"] == 0
    assert shown["summary"] == "Waiting for 2 approvals from team-leads."


def test_only_votes_that_count_are_said_to_and_are_in_the_receipt(company_with, git):
    who = company_with(TWO)
    group = ApproverGroup.objects.get(name="team-leads")
    cleo = person(who.admin, "Cleo Lead")
    add_member(by=who.admin, group=group, person=cleo)
    request = decide(git.come(ask(who)), who.alice)
    remove_member(by=who.admin, group=group, person=who.alice)
    for voter in (who.bob, cleo):
        decide(request, voter)

    def counted():
        shown = call(who.secret, "get", f"/requests/{request.id}").json()["decisions"]
        return {vote["person"]: vote["counts"] for vote in shown}

    expected = {"Alice Lead": False, "Bob Lead": True, "Cleo Lead": True}
    assert counted() == expected
    page = text(as_(who.bob).get(f"/requests/{request.id}"))
    assert page.count("does not count") == 1
    permit = redeem(who, request)
    assert permit.approvers() == {str(who.bob.actor_ref), str(cleo.actor_ref)}
    remove_member(by=who.admin, group=group, person=who.bob)
    assert counted() == expected, "what was given on it stays as it was"


def test_a_held_fact_that_is_awaited_is_named(company_with, git):
    who = company_with(SMALL, hold="[git.head]")
    request = ask(who)
    assert summary(request, waiting_for(request)) == "Gathering facts."
    git.says = {name: value for name, value in git.says.items() if name != "git.head"}
    git.come(request)
    assert request.status == "pending"
    assert summary(request, waiting_for(request)) == "Waiting for a fact: git.head."


def test_nobody_claims_that_an_action_did_not_run(who):
    """A caller of the gate may have run it without ever telling."""
    request = ask(who, "staging")
    backdate(redeem(who, request), expires_at=now())
    expire_all()
    shown = call(who.secret, "get", f"/requests/{request.id}").json()
    assert shown["permit"]["status"] == "expired"
    said = "The permit is over: nobody reported in time that the action began."
    assert shown["summary"] == said


def test_a_wait_for_nothing_in_particular_names_no_fact(company_with):
    request = ask(company_with(TWO))
    request.verdict.body |= {"blocking": [], "hold": []}
    request.status = "pending"
    assert summary(request, []) == "Waiting for the next look at the facts."
