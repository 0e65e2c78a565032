"""Who has to decide, in which order, and who may not: through the services and on the page."""

import pytest

from approvals.lifecycle.evaluate import NoEligibleApprover
from portal.accounts.models import User
from portal.directory.groups import remove_member
from portal.directory.models import ApproverGroup
from portal.kernel.errors import Conflict, Forbidden
from tests.factories import ask, decide, put_in_force, redeem
from tests.integration.pages import as_, text

pytestmark = pytest.mark.django_db

SEQUENCE = """\
  - id: data
    when: "true"
    require: {count: 2, from: [dba, team-leads], sequence: [dba, team-leads]}
"""
SHARES = """\
  - id: data
    when: "true"
    require: {count: 2, from: [dba, team-leads], including: {dba: 1}}
"""
APART = """\
  - {id: first, when: "true", require: {count: 1, from: [team-leads]}}
  - {id: second, when: "true", require: {count: 1, from: [team-leads], distinct_across: [first]}}
"""
OWN = '  - {id: own, when: "true", require: {count: 1, from: [team-leads], self_approval: true}}\n'

OTHER = """\
policy: other
facts: v1
match: {projects: ["**"], environments: ["*"], actions: ["*"]}
default: {require: {count: 1, from: [team-leads]}}
"""


@pytest.fixture
def in_turn(company_with, git):
    """A company whose dba decides before a lead; its dba; a request that waits."""
    who = company_with(SEQUENCE, groups={"dba": "Dan Data"})
    dan = User.objects.get(username="dan")
    return who, dan, git.come(ask(who))


class TestSequence:
    def test_a_lead_may_not_approve_before_the_dba_and_may_after(self, in_turn):
        who, dan, request = in_turn
        with pytest.raises(Conflict, match="first dba decides"):
            decide(request, who.alice)
        assert decide(request, dan).status == "pending"
        assert decide(request, who.alice).status == "approved"
        assert redeem(who, request).status == "issued"

    def test_a_lead_may_reject_at_any_time(self, in_turn):
        who, _, request = in_turn
        assert decide(request, who.alice, "reject", "Not today").status == "rejected"

    def test_the_page_says_whose_turn_it_is_and_has_only_reject(self, in_turn):
        who, dan, request = in_turn
        page = as_(who.alice).get(f"/requests/{request.id}")
        assert "first dba decides" in text(page)
        assert "data-closed" not in page.content.decode(), "rejecting needs its comment"
        assert "first dba, then team-leads" in text(page)
        assert 'value="reject"' in page.content.decode()
        assert 'value="approve"' not in page.content.decode()
        decide(request, dan)
        assert 'value="approve"' in as_(who.alice).get(f"/requests/{request.id}").content.decode()

    def test_an_approval_out_of_turn_is_a_conflict_and_the_comment_is_kept(self, in_turn):
        who, _, request = in_turn
        form = {"outcome": "approve", "comment": "My words", "snapshot": request.snapshot.digest}
        answer = as_(who.alice).post(f"/requests/{request.id}/decide", form)
        assert answer.status_code == 409
        assert "My words" in answer.content.decode()
        assert not request.decisions.exists()

    def test_the_first_who_leaves_takes_the_turn_along(self, in_turn):
        who, dan, request = in_turn
        decide(decide(request, dan), who.alice)
        remove_member(by=who.admin, group=ApproverGroup.objects.get(name="dba"), person=dan)
        with pytest.raises(Conflict, match="changed"):
            redeem(who, request)


def test_a_share_is_kept_for_its_group(company_with, git):
    who = company_with(SHARES, groups={"dba": "Dan Data"})
    dan = User.objects.get(username="dan")
    request = decide(git.come(ask(who)), who.alice)
    with pytest.raises(Conflict, match="first dba decides"):
        decide(request, who.bob)
    assert "1 from dba" in text(as_(who.bob).get(f"/requests/{request.id}"))
    assert decide(request, dan).status == "approved"


def test_a_share_that_nobody_may_fill_is_refused_at_once(company_with, git):
    who = company_with(SHARES, groups={"dba": "Dan Data"})
    dan = User.objects.get(username="dan")
    remove_member(by=who.admin, group=ApproverGroup.objects.get(name="dba"), person=dan)
    with pytest.raises(NoEligibleApprover, match="Rule data asks for 2"):
        ask(who)


def test_two_rules_apart_need_two_people(company_with, git):
    who = company_with(APART)
    request = decide(git.come(ask(who)), who.alice)
    assert (request.status, request.needed, request.given) == ("pending", 2, 1)
    assert "other people than for first" in text(as_(who.bob).get(f"/requests/{request.id}"))
    assert decide(request, who.bob).status == "approved"


class TestSelfApproval:
    @pytest.fixture
    def own(self, company_with, git):
        """A company whose policy lets who started the run decide; alice did."""
        who = company_with(OWN)
        run = {"id": "77", "attempt": 1, "actor": "alice"}
        return who, lambda: git.come(ask(who, run=run))

    def test_who_started_the_run_decides_where_everybody_who_asks_allows_it(self, own):
        who, asked = own
        request = asked()
        assert "also by who made the change" in text(as_(who.alice).get(f"/requests/{request.id}"))
        assert decide(request, who.alice).status == "approved"
        assert redeem(who, request).status == "issued"

    def test_not_where_another_policy_forbids_it(self, own):
        who, asked = own
        put_in_force(who.admin, who.deputy, OTHER)
        request = asked()
        with pytest.raises(Forbidden, match="you started the run"):
            decide(request, who.alice)
        assert decide(request, who.bob).status == "approved"

    def test_a_policy_that_forbids_it_meanwhile_takes_the_vote_away(self, own):
        who, asked = own
        request = decide(asked(), who.alice)
        put_in_force(who.admin, who.deputy, OTHER)
        with pytest.raises(Conflict):
            redeem(who, request)
        request.refresh_from_db()
        assert (request.status, request.round) == ("pending", 2)

    def test_by_default_it_is_forbidden(self, company_with, git):
        who = company_with(OWN.replace(", self_approval: true", ""))
        request = git.come(ask(who, run={"id": "77", "attempt": 1, "actor": "alice"}))
        with pytest.raises(Forbidden, match="you started the run"):
            decide(request, who.alice)
