"""What else a policy says of a request: on its page, in the queue, in the API, and by the clock."""

from datetime import timedelta

import pytest

from approvals.lifecycle.expire import expire_all
from approvals.models import Verdict
from portal.kernel.clock import now
from portal.kernel.errors import Gone
from tests.api import call
from tests.factories import ask, decide, put_in_force, redeem
from tests.integration.lifecycle.conftest import now_in_force
from tests.integration.lifecycle.test_clocks import shift
from tests.integration.pages import as_, text

pytestmark = pytest.mark.django_db

LEAD = '  - {id: lead, when: "true", require: {count: 1, from: [team-leads]}}\n'
AUTO = '  - {id: auto, when: "true", approve: auto}\n'
SAYS = (
    LEAD
    + """\
  - {id: large, level: advisory, when: git.diff_lines > 100, note: "Large: {git.diff_lines} lines."}
  - {id: unsigned, level: advisory, when: "!git.signed", deny: Not signed.}
"""
)
MORE = """\
risk: {high: git.diff_lines > 100, medium: git.diff_lines > 10}
step_up: {when: "true", max_age: 10m}
break_glass: {by: [team-leads], valid_for: 15m, review_within: 24h}
escalate: [{after: 30m, notify: [team-leads], add: [team-leads]}]
"""
IDEA = """\
policy: idea
facts: v1
mode: shadow
match: {projects: ["**"], environments: ["*"], actions: ["*"]}
rules: [{id: never, when: "true", deny: Not on Mondays.}]
default: {require: {count: 1, from: [team-leads]}}
"""


def page_of(person, request):
    return text(as_(person).get(f"/requests/{request.id}"))


def test_notes_wishes_and_what_a_shadow_would_have_said_stand_on_the_page(company_with, git):
    who = company_with(SAYS, more=MORE)
    put_in_force(who.admin, who.deputy, IDEA)
    git.says |= {"git.diff_lines": 120, "git.signed": False}
    request = git.come(ask(who))
    page = page_of(who.alice, request)
    assert "Large: 120 lines." in page
    assert "Advice only; it would deny: Not signed." in page
    assert "second factor, shown for this decision at most 10 min before" in page
    assert "After 30 min without a decision team-leads should be told" in page
    assert "In shadow: idea v1 would have denied. Not on Mondays." in page
    assert decide(request, who.alice).status == "approved", "the others bind nobody"


@pytest.mark.parametrize(("lines", "risk"), [(120, "high"), (11, "medium"), (1, "low")])
def test_the_risk_stands_in_queue_page_and_api(company_with, git, lines, risk):
    who = company_with(SAYS, more=MORE)
    git.says |= {"git.diff_lines": lines, "git.signed": True}
    request = ask(who)
    assert request.risk == "high", "what cannot be told counts as the higher"
    assert git.come(request).risk == risk
    assert f"{risk} risk" in text(as_(who.alice).get("/")).lower()
    assert f"{risk} risk" in page_of(who.alice, request).lower()
    answer = call(who.secret, "get", f"/requests/{request.id}").json()
    assert answer["verdict"]["risk"] == risk


BLOCKS = LEAD + '  - {id: unsigned, when: "!git.signed", deny: Not signed.}\n'


class TestTime:
    def test_what_is_blocked_at_the_end_of_its_time_is_denied_with_the_reason(
        self, company_with, git
    ):
        who = company_with(BLOCKS)
        request = git.come(ask(who))
        assert (request.status, request.verdict.outcome) == ("pending", "blocked")
        shift(request, decide_by=timedelta(seconds=-1))
        assert expire_all() == 1
        request.refresh_from_db()
        assert request.status == "denied"
        said = (
            "Denied: Time is over, and what a rule has to know to deny stayed unknown: git.signed."
        )
        assert said in page_of(who.alice, request)

    def test_so_is_what_nobody_read_in_time(self, company_with, git):
        who = company_with(BLOCKS)
        request = shift(ask(who), decide_by=timedelta(seconds=-1))
        assert request.status == "submitted"
        expire_all()
        request.refresh_from_db()
        assert (request.status, git.asked) == ("denied", 0)

    def test_and_what_can_never_be_computed(self, company_with, git):
        who = company_with(BLOCKS.replace("!git.signed", "1 / git.deletions > 2"))
        git.says |= {"git.deletions": 0}
        request = shift(git.come(ask(who)), decide_by=timedelta(seconds=-1))
        expire_all()
        request.refresh_from_db()
        assert request.ended_reason.endswith("stayed unknown: its condition cannot be computed.")

    def test_what_only_waits_for_people_expires(self, company_with, git):
        who = company_with(BLOCKS)
        git.says |= {"git.signed": True}
        request = shift(git.come(ask(who)), decide_by=timedelta(seconds=-1))
        expire_all()
        request.refresh_from_db()
        assert request.status == "expired"

    LIMIT = LEAD + "  - {id: short, when: git.diff_lines > 100, limit: {decide_within: 1h}}\n"

    @pytest.mark.parametrize(("lines", "hours"), [(120, 1), (5, 24)])
    def test_a_limit_that_was_only_feared_goes_away_with_the_fact(
        self, company_with, git, lines, hours
    ):
        who = company_with(self.LIMIT)
        request = ask(who)
        first = request.decide_by
        assert first < now() + timedelta(hours=1)
        git.says |= {"git.diff_lines": lines}
        assert git.come(request).decide_by == first + timedelta(hours=hours - 1)

    def test_a_limit_that_ends_the_time_ends_nothing_in_go(self, company_with, git):
        who = company_with(self.LIMIT)
        git.says |= {"git.diff_lines": 5}
        request = git.come(ask(who))
        shift(request, decide_by=timedelta(hours=22))
        git.says |= {"git.diff_lines": 500}
        request = git.come(request)
        assert request.status == "pending"
        assert request.decide_by < now()
        assert expire_all() == 1

    def test_less_time_to_use_it_counts_at_the_moment_of_use(self, company_with, git):
        who = company_with(AUTO)
        first, second = ask(who), ask(who)
        for request in (first, second):
            shift(request, approved_at=timedelta(minutes=-20), use_by=timedelta(minutes=40))
        assert redeem(who, first).status == "issued"
        now_in_force(who, "valid_for: 1h", "valid_for: 10m")
        with pytest.raises(Gone):
            redeem(who, second)
        second.refresh_from_db()
        assert second.status == "expired"


def test_both_versions_judge_what_waits_and_the_page_says_so(company_with, git):
    who = company_with(LEAD)
    request = git.come(ask(who))
    assert "The policy changed while this waits" not in page_of(who.alice, request)
    now_in_force(who, LEAD, LEAD.replace("count: 1", "count: 2"))
    git.come(request)
    page = page_of(who.alice, request)
    assert "The policy changed while this waits. Both versions judge it" in page
    assert "shop: versions 1 and 2" in page
    assert "shop v1 and v2 · default · hard" in page, "what both say stands there once"
    assert decide(request, who.alice).status == "pending"
    assert decide(request, who.bob).status == "approved"
    versions = Verdict.objects.filter(request=request).latest("given_at").body["policies"]
    assert [ref["version"] for ref in versions] == [1, 2]
