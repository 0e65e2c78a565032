"""What policy says of drift and of sources that fail: on_drift, tolerate, on_unavailable."""

import pytest

from approvals.lifecycle.redeem import Drift, NotApproved
from approvals.models import Permit
from policies.language.facts import Unknown
from portal.accounts.models import User
from portal.kernel.errors import Unavailable
from tests import api
from tests.factories import ask, decide, redeem
from tests.integration.lifecycle.conftest import now_in_force
from tests.integration.pages import as_, text

pytestmark = pytest.mark.django_db

LEAD = '  - {id: lead, when: "true", require: {count: 1, from: [team-leads]}}\n'
AUTO = '  - {id: auto, when: "true", approve: auto}\n'
SIGNED = '  - {id: signed, when: "!git.signed", deny: Not signed.}\n'
ONCALL = "on_unavailable: {git.signed: {require: {count: 1, from: [oncall]}}}\n"
NOWHERE = Unknown("no branch of the repository has this commit", "absent")
LINES = {"hold": "[git.diff_lines]", "more": "tolerate: {git.diff_lines: 5}\n"}


class TestOnDrift:
    @pytest.fixture
    def moved(self, company_with, git):
        """An approved request whose branch has moved, where policy denies drift."""
        who = company_with(LEAD, hold="[git.head]", more="on_drift: deny\n")
        request = decide(git.come(ask(who)), who.alice)
        git.says |= {"git.head": "b" * 40}
        return who, request

    def test_drift_ends_it_where_policy_says_so(self, moved):
        who, request = moved
        with pytest.raises(Drift, match="Policy denies"):
            redeem(who, request)
        request.refresh_from_db()
        assert (request.status, request.decide_by, request.use_by) == ("denied", None, None)
        assert request.ended_reason == "git.head changed after the approval."
        assert "Denied: git.head changed after the approval." in text(
            as_(who.alice).get(f"/requests/{request.id}")
        )
        with pytest.raises(NotApproved):
            redeem(who, request)
        assert not Permit.objects.exists()

    def test_the_pipeline_is_told_the_drift_and_the_end(self, moved):
        who, request = moved
        answer = api.redeem(who.secret, request)
        assert (answer.status_code, api.code(answer)) == (409, "drift")
        assert answer.json()["request_status"] == "denied"
        assert api.call(who.secret, "get", f"/requests/{request.id}").json()["status"] == "denied"


class TestTolerate:
    @pytest.mark.parametrize(("lines", "holds"), [(10, True), (15, True), (5, True), (16, False)])
    def test_a_held_number_may_move_a_little(self, company_with, git, lines, holds):
        who = company_with(LEAD, **LINES)
        git.says |= {"git.diff_lines": 10}
        request = decide(git.come(ask(who)), who.alice)
        git.says |= {"git.diff_lines": lines}
        if holds:
            assert redeem(who, request).status == "issued"
            return
        with pytest.raises(Drift, match="diff_lines"):
            redeem(who, request)

    def test_little_by_little_is_not_a_little(self, company_with, git):
        who = company_with(LEAD.replace("count: 1", "count: 2"), **LINES)
        git.says |= {"git.diff_lines": 10}
        request = decide(git.come(ask(who)), who.alice)
        git.says |= {"git.diff_lines": 14}
        request = decide(git.come(request), who.bob)
        assert request.status == "approved"
        git.says |= {"git.diff_lines": 18}  # near the second vote, far from the first
        with pytest.raises(Drift, match="diff_lines"):
            redeem(who, request)


class TestUnavailable:
    @pytest.fixture
    def down(self, company_with, git):
        """A company that asks oncall while git is down; and a request of it without authors."""

        def make(more=ONCALL):
            who = company_with(AUTO + SIGNED, more=more, groups={"oncall": "Olga Oncall"})
            git.fail()
            return who, ask(who, "staging")

        return make

    def give_up(self, git, request):
        for _ in range(4):
            git.come(request)
        return request

    def test_people_are_asked_once_the_fact_is_given_up(self, down, git):
        who, request = down()
        assert (request.status, request.verdict.outcome) == ("submitted", "blocked")
        for _ in range(3):
            assert git.come(request).verdict.outcome == "blocked"
        git.come(request)
        assert (request.status, request.verdict.outcome) == ("pending", "review")
        assert [row["groups"] for row in request.verdict.body["obligations"]] == [["oncall"]]
        page = text(as_(who.alice).get(f"/requests/{request.id}"))
        assert "1 approval by oncall" in page
        assert "so it asks for 1 approval from oncall instead" in page

    def test_without_the_word_it_stays_blocked(self, down, git):
        _, request = down(more="")
        request = self.give_up(git, request)
        assert (request.status, request.verdict.outcome) == ("pending", "blocked")

    def test_when_the_fact_comes_after_all_nobody_is_asked(self, down, git):
        _, request = down()
        request = self.give_up(git, request)
        git.says = {"git.signed": True}
        assert git.come(request).status == "approved"

    def test_a_pipeline_that_names_no_commit_does_not_choose_who_decides(self, down):
        who, _ = down()
        request = ask(who, "staging", subject={"artifact": "sha256:" + "a" * 64})
        assert (request.status, request.verdict.outcome) == ("pending", "blocked")
        assert request.verdict.body["obligations"] == []

    def test_nor_one_that_names_a_commit_that_is_nowhere(self, down, git):
        who, _ = down()
        git.says = {"git.exists": False, "git.signed": NOWHERE}
        request = git.come(ask(who, "staging"))
        assert (request.status, request.verdict.outcome) == ("pending", "blocked")


class TestUnavailableAtTheMomentOfUse:
    def test_what_was_approved_without_the_fact_is_used_without_it(self, company_with, git):
        anybody = ONCALL.replace("[oncall]", "[oncall], self_approval: true")
        who = company_with(AUTO + SIGNED, more=anybody, groups={"oncall": "Olga Oncall"})
        git.fail()
        request = ask(who, "staging")
        for _ in range(4):
            git.come(request)
        request = decide(request, User.objects.get(username="olga"))
        assert request.status == "approved"
        now_in_force(who, ", self_approval: true", "")
        with pytest.raises(Unavailable):  # who wrote it matters again
            redeem(who, request)
        now_in_force(who, "[oncall]", "[oncall], self_approval: true")
        assert redeem(who, request).status == "issued"

    def test_what_was_approved_with_the_fact_waits_for_it(self, company_with, git):
        who = company_with(AUTO + SIGNED, more=ONCALL, groups={"oncall": "Olga Oncall"})
        git.says |= {"git.signed": True}
        request = git.come(ask(who, "staging"))
        assert request.status == "approved"
        git.fail()
        with pytest.raises(Unavailable, match="approval stands"):
            redeem(who, request)
        request.refresh_from_db()
        assert (request.status, request.round) == ("approved", 1)

    def test_without_the_word_it_says_503(self, company_with, git):
        who = company_with(AUTO + SIGNED)
        git.says |= {"git.signed": True}
        request = git.come(ask(who, "staging"))
        git.fail()
        answer = api.redeem(who.secret, request)
        assert (answer.status_code, api.code(answer)) == (503, "unavailable")
