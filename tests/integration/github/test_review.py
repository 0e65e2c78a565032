"""What is said about the checks, the pull request and the deployments of a commit."""

import pytest

from approvals.context.sources.github import checks, review
from policies.language.facts import Unknown
from tests.remote import Says

pytestmark = pytest.mark.django_db


def why(state):
    assert isinstance(state, Unknown), state
    assert state.kind == "absent"
    return state.reason


class TestChecks:
    def test_runs_and_statuses_together(self, shop, hub, facts):
        hub.run(shop.new, "unit")
        hub.run(shop.new, "docs", "skipped")
        hub.status(shop.new, "jenkins/build")
        said = facts(shop.new, shop.old)
        assert said["ci.state"] == "success"
        assert said["ci.passed"] == ("jenkins/build", "unit")
        assert (said["ci.failed"], said["ci.pending"], said["ci.total"]) == ((), (), 3)

    def test_each_check_with_its_page(self, shop, hub, facts):
        hub.run(shop.new, "unit")
        hub.run(shop.new, "e2e on arm", None, html_url="javascript:alert(1)")
        hub.status(shop.new, "jenkins/build", "error")
        assert facts(shop.new, shop.old)["ci.checks"] == (
            "failed - jenkins/build",
            "passed https://github.example/acme/shop/runs/1 unit",
            "pending - e2e on arm",
        )

    def test_red_checks(self, shop, hub, facts):
        hub.run(shop.new, "unit")
        for name, conclusion in (("lint", "failure"), ("e2e", "timed_out"), ("x", "cancelled")):
            hub.run(shop.new, name, conclusion)
        hub.status(shop.new, "jenkins/build", "error")
        said = facts(shop.new, shop.old)
        assert said["ci.state"] == "failure"
        assert said["ci.failed"] == ("e2e", "jenkins/build", "lint", "x")

    def test_a_word_of_next_year_is_no_pass(self, shop, hub, facts):
        hub.run(shop.new, "unit", "mostly_fine")
        hub.run(shop.new, "late", "success", status="postponed")
        said = facts(shop.new, shop.old)
        assert (said["ci.failed"], said["ci.pending"]) == (("unit",), ("late",))

    def test_what_still_runs(self, shop, hub, facts):
        hub.run(shop.new, "unit")
        hub.run(shop.new, "e2e", None)
        hub.status(shop.new, "jenkins/build", "pending")
        said = facts(shop.new, shop.old)
        assert (said["ci.state"], said["ci.pending"]) == ("pending", ("e2e", "jenkins/build"))

    def test_a_check_that_ran_again(self, shop, hub, facts):
        hub.run(shop.new, "unit", "failure")
        assert facts(shop.new, shop.old)["ci.state"] == "failure"
        hub.run(shop.new, "unit")
        assert facts(shop.new, shop.old, fresh=True)["ci.state"] == "success"

    def test_none_at_all_and_none_that_says_something(self, shop, hub, facts):
        hub.run(shop.new, "docs", "skipped")
        assert facts(shop.new, shop.old)["ci.state"] == "none"
        said = facts(shop.old, shop.old)
        assert (said["ci.state"], said["ci.total"]) == ("none", 0)

    def test_those_that_do_not_count(self, shop, hub, facts):
        hub.run(shop.new, "unit")
        hub.run(shop.new, "deploy (eu)", None)
        said = facts(shop.new, shop.old, ignore="deploy*\n")
        assert (said["ci.state"], said["ci.total"]) == ("success", 1)

    def test_page_after_page_until_there_are_too_many(self, shop, hub, facts, monkeypatch):
        for number in range(101):
            hub.run(shop.new, f"unit {number}")
        assert facts(shop.new, shop.old)["ci.total"] == 101
        monkeypatch.setattr(checks, "MOST", 100)
        assert "checks or more" in why(facts(shop.new, shop.old)["ci.state"])

    def test_a_list_that_is_shorter_than_it_says_fails(self, shop, hub, answer):
        hub.run(shop.new, "unit")
        told = {"total_count": 2, "check_runs": hub.runs}
        hub.refuses.append(("/check-runs", Says(told)))
        assert "changed while it was read" in answer(shop.new, shop.old).error


class TestReview:
    def test_of_the_pull_request_that_was_merged_with_it(self, shop, hub, facts):
        pull = hub.pull(shop.old)
        hub.review(pull, 12)
        hub.merge(pull, shop.new)
        said = facts(shop.new, shop.old)
        assert (said["pr.number"], said["pr.merged"], said["pr.base"]) == (1, True, "main")
        assert (said["pr.title"], said["pr.author"]) == ("Raise the price", "github:11")
        assert (said["pr.approvals"], said["pr.approvers"]) == (1, ("github:12",))
        assert (said["pr.review_state"], said["pr.changes_requested"]) == ("approved", ())
        assert (said["pr.labels"], said["pr.url"][-6:]) == (("hotfix",), "pull/1")

    def test_of_the_open_one_whose_last_commit_it_is(self, shop, hub, facts):
        pull = hub.pull(shop.new)
        hub.review(pull, 12)
        assert facts(shop.new, shop.old)["pr.merged"] is False
        later = shop.commit({"more": b"1"})
        hub.push(pull, later)
        said = facts(shop.new, shop.old, fresh=True)
        assert "no pull request" in why(said["pr.approvals"])
        assert facts(later, shop.old)["pr.approvals"] == 0  # of the commit before

    def test_two_open_ones_are_not_chosen_from(self, shop, hub, facts):
        hub.review(hub.pull(shop.new), 12)
        hub.pull(shop.new)
        assert "several" in why(facts(shop.new, shop.old)["pr.approvals"])

    @pytest.mark.parametrize("more", [{"base": "side"}, {"into": 99}, {"state": "closed"}])
    def test_another_branch_or_repository_or_a_closed_one_is_none(self, shop, hub, facts, more):
        hub.review(hub.pull(shop.new, **more), 12)
        assert "no pull request" in why(facts(shop.new, shop.old)["pr.number"])

    def test_the_last_review_of_a_person_counts(self, shop, hub, facts):
        pull = hub.pull(shop.new)
        hub.review(pull, 12)
        hub.review(pull, 12, "CHANGES_REQUESTED")
        hub.review(pull, 13, "CHANGES_REQUESTED")
        hub.review(pull, 13)
        hub.review(pull, 13, "COMMENTED")
        said = facts(shop.new, shop.old)
        assert said["pr.approvers"] == ("github:13",)
        assert said["pr.changes_requested"] == ("github:12",)
        assert said["pr.review_state"] == "changes_requested"

    def test_a_dismissed_review_says_nothing(self, shop, hub, facts):
        pull = hub.pull(shop.new)
        given = hub.review(pull, 12)
        assert facts(shop.new, shop.old)["pr.review_state"] == "approved"
        given["state"] = "DISMISSED"
        said = facts(shop.new, shop.old, fresh=True)
        assert (said["pr.approvals"], said["pr.review_state"]) == (0, "pending")

    def test_a3_bots_strangers_and_its_author_do_not_approve(self, shop, hub, facts):
        pull = hub.pull(shop.new, author=11)
        hub.review(pull, 11)
        hub.review(pull, 12, author_association="NONE")
        bot = hub.review(pull, 14)
        bot["user"]["type"] = "Bot"
        said = facts(shop.new, shop.old)
        assert (said["pr.approvals"], said["pr.approvers"]) == (0, ())

    def test_an_account_that_is_gone_leaves_reviews_unknown(self, shop, hub, facts):
        pull = hub.pull(shop.new, user=None)
        hub.review(pull, 12)
        hub.review(pull, 13, user=None)
        said = facts(shop.new, shop.old)
        for name in ("approvals", "changes_requested", "review_state", "author"):
            assert "gone" in why(said[f"pr.{name}"])

    @pytest.mark.parametrize(
        ("more", "state"),
        [({}, "none"), ({"requested_teams": [{"id": 1}]}, "pending")],
    )
    def test_reviewers_that_are_waited_for(self, shop, hub, facts, more, state):
        hub.pull(shop.new, **more)
        assert facts(shop.new, shop.old)["pr.review_state"] == state

    def test_too_many_reviews_are_unknown(self, shop, hub, facts, monkeypatch):
        monkeypatch.setattr(review, "MOST", 100)
        pull = hub.pull(shop.new)
        for _ in range(100):
            hub.review(pull, 12)
        assert "or more" in why(facts(shop.new, shop.old)["pr.approvals"])


class TestDeployment:
    def test_the_last_one_there(self, shop, hub, facts):
        hub.deploy(shop.new, "success", environment="staging")
        hub.deploy(shop.old, "queued", "in_progress", "success")
        said = facts(shop.new, shop.old)
        assert (said["deployment.sha"], said["deployment.state"]) == (shop.old, "success")
        assert said["deployment.by"] == "github:12"
        assert 35_000 < said["deployment.age_s"] < 36_000

    @pytest.mark.parametrize(
        ("states", "state"),
        [
            (("failure",), "failure"),
            (("in_progress", "error"), "failure"),
            (("success", "inactive"), "inactive"),
            (("queued",), "pending"),
            ((), "pending"),
        ],
    )
    def test_its_state(self, shop, hub, facts, states, state):
        hub.deploy(shop.old, *states)
        assert facts(shop.new, shop.old)["deployment.state"] == state

    def test_a_state_of_next_year_is_unknown(self, shop, hub, facts):
        hub.deploy(shop.old, "paused")
        assert "not known here" in why(facts(shop.new, shop.old)["deployment.state"])

    def test_the_one_that_asks_is_left_out(self, shop, hub, facts):
        hub.deploy(shop.old, "success")
        hub.deploy(shop.new, "queued")
        hub.deploy(shop.new)
        assert facts(shop.new, shop.old)["deployment.sha"] == shop.old

    def test_nothing_was_deployed(self, shop, hub, facts):
        said = facts(shop.new, shop.old)
        assert said["deployment.state"] == "none"
        assert "nothing was deployed" in why(said["deployment.sha"])

    def test_another_name_of_the_environment(self, shop, hub, facts):
        hub.deploy(shop.old, "success", environment="prod-eu")
        assert facts(shop.new, shop.old, environment="prod-eu")["deployment.sha"] == shop.old
