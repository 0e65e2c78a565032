"""What is said about checks, the merge request and deployments."""

import pytest

from approvals.context.sources.gitlab import checks, review
from tests.integration.gitlab.unknown import why

pytestmark = pytest.mark.django_db


class TestChecks:
    def test_all_passed(self, shop, lab, facts):
        lab.job(shop.new, "unit")
        lab.job(shop.new, "lint")
        lab.job(shop.old, "other", "failed")
        said = facts(shop.new, shop.old)
        assert said["ci.state"] == "success"
        assert (said["ci.passed"], said["ci.total"]) == (("lint", "unit"), 2)

    def test_each_check_with_its_page(self, shop, lab, facts):
        lab.job(shop.new, "unit")
        lab.job(shop.new, "try it", "failed", allow_failure=True, target_url="http://inside/ 1")
        assert facts(shop.new, shop.old)["ci.checks"] == (
            "neutral - try it",
            "passed https://gitlab.example.com/shop/-/jobs/1000 unit",
        )

    def test_no_checks_are_no_success(self, shop, lab, facts):
        said = facts(shop.new, shop.old)
        assert (said["ci.state"], said["ci.total"]) == ("none", 0)

    @pytest.mark.parametrize(
        ("status", "state"),
        [
            ("failed", "failure"),
            ("canceled", "failure"),
            ("running", "pending"),
            ("created", "pending"),
            ("waiting_for_resource", "pending"),
            ("a word of next year", "pending"),
            ("skipped", "success"),
            ("manual", "success"),
        ],
    )
    def test_one_of_them(self, shop, lab, facts, status, state):
        lab.job(shop.new, "unit")
        lab.job(shop.new, "e2e", status)
        assert facts(shop.new, shop.old)["ci.state"] == state

    def test_what_may_fail_fails_nothing(self, shop, lab, facts):
        lab.job(shop.new, "unit")
        lab.job(shop.new, "experiment", "failed", allow_failure=True)
        said = facts(shop.new, shop.old)
        assert (said["ci.state"], said["ci.failed"], said["ci.total"]) == ("success", (), 2)

    def test_the_newest_of_a_name_counts(self, shop, lab, facts):
        lab.job(shop.new, "unit", "failed")
        lab.job(shop.new, "unit")
        lab.job(shop.new, "lint")
        lab.job(shop.new, "lint", "failed")
        said = facts(shop.new, shop.old)
        assert (said["ci.passed"], said["ci.failed"]) == (("unit",), ("lint",))

    def test_jobs_that_do_not_count_are_named_by_people(self, shop, lab, facts):
        lab.job(shop.new, "unit")
        lab.job(shop.new, "deploy production", "running")
        assert facts(shop.new, shop.old)["ci.state"] == "pending"
        assert facts(shop.new, shop.old, ignore="deploy*")["ci.state"] == "success"

    def test_more_than_are_read_are_unknown(self, shop, lab, facts, monkeypatch):
        monkeypatch.setattr(checks, "MOST", 100)
        for number in range(100):
            lab.job(shop.new, f"job {number}")
        assert "checks or more" in why(facts(shop.new, shop.old)["ci.state"])


class TestReview:
    @pytest.fixture
    def request_of(self, shop, lab):
        """A merge request that brought the new commit: pushed, approved by 2, merged."""
        one = lab.merge_request(author=1, labels=["hotfix"])
        lab.push(one, shop.new)
        lab.approve(one, 2)
        lab.merge(one)
        return one

    def test_of_the_merge_request_that_brought_it(self, shop, request_of, facts):
        said = facts(shop.new, shop.old)
        assert said["pr.number"] == 1
        assert said["pr.title"] == "Raise the price of coffee"
        assert said["pr.author"] == "gitlab:1"
        assert (said["pr.approvals"], said["pr.approvers"]) == (1, ("gitlab:2",))
        assert (said["pr.merged"], said["pr.base"]) == (True, "main")
        assert said["pr.labels"] == ("hotfix",)
        assert said["pr.review_state"] == "approved"
        assert said["pr.changes_requested"] == ()
        assert said["pr.url"].endswith("/merge_requests/1")

    def test_a_merge_commit_was_brought_by_its_merge_request(self, shop, lab, facts):
        one = lab.merge_request()
        lab.push(one, "e" * 40)
        lab.merge(one, shop.new)
        assert facts(shop.new, shop.old)["pr.number"] == 1

    def test_none_brought_it(self, shop, lab, facts):
        assert "no merge request" in why(facts(shop.new, shop.old)["pr.approvals"])

    def test_one_into_another_branch_did_not_bring_it(self, shop, lab, facts):
        one = lab.merge_request(target="release")
        lab.push(one, shop.new)
        lab.approve(one, 2)
        lab.merge(one)
        assert "no merge request" in why(facts(shop.new, shop.old)["pr.approvals"])

    def test_the_first_that_was_merged_with_it_brought_it(self, shop, request_of, lab, facts):
        later = lab.merge_request(author=5)
        lab.push(later, shop.new)
        for person in (6, 7):
            lab.approve(later, person)
        lab.merge(later)
        assert facts(shop.new, shop.old)["pr.approvers"] == ("gitlab:2",)

    def test_an_open_one_counts_by_its_last_commit(self, shop, lab, facts):
        one = lab.merge_request()
        lab.push(one, shop.old)
        lab.push(one, shop.new)
        assert facts(shop.new, shop.old)["pr.merged"] is False
        assert "no merge request" in why(facts(shop.old, shop.old)["pr.number"])

    def test_several_open_ones_are_nobody_s(self, shop, lab, facts):
        for _ in range(2):
            lab.push(lab.merge_request(), shop.new)
        assert "several" in why(facts(shop.new, shop.old)["pr.number"])

    def test_an_approval_from_before_the_last_push_does_not_count(self, shop, lab, facts):
        one = lab.merge_request()
        lab.push(one, shop.old)
        lab.approve(one, 2)
        lab.push(one, shop.new)
        lab.approve(one, 3)
        said = facts(shop.new, shop.old)
        assert said["pr.approvers"] == ("gitlab:3",)
        assert said["pr.review_state"] == "pending"

    def test_its_author_approves_nothing(self, shop, lab, facts):
        one = lab.merge_request(author=1)
        lab.push(one, shop.new)
        lab.approve(one, 1)
        said = facts(shop.new, shop.old)
        assert (said["pr.approvals"], said["pr.review_state"]) == (0, "pending")

    def test_a_gitlab_that_does_not_say_when_makes_approvals_unknown(
        self, shop, request_of, lab, facts
    ):
        request_of["_"]["approved"][2] = None
        said = facts(shop.new, shop.old)
        for name in ("approvals", "approvers", "review_state"):
            assert "does not say when" in why(said[f"pr.{name}"])
        assert said["pr.number"] == 1

    def test_who_asks_for_changes_outweighs_who_approves(self, shop, request_of, lab, facts):
        lab.review(request_of, 2, "approved")
        lab.review(request_of, 9, "requested_changes")
        said = facts(shop.new, shop.old)
        assert said["pr.changes_requested"] == ("gitlab:9",)
        assert said["pr.review_state"] == "changes_requested"

    @pytest.mark.parametrize(("reviewers", "state"), [((), "none"), ((4,), "pending")])
    def test_nobody_said_anything_yet(self, shop, lab, facts, reviewers, state):
        one = lab.merge_request()
        lab.push(one, shop.new)
        for person in reviewers:
            lab.review(one, person, "unreviewed")
        said = facts(shop.new, shop.old)
        assert (said["pr.approvals"], said["pr.review_state"]) == (0, state)

    def test_more_than_are_read_are_unknown(self, shop, lab, facts, monkeypatch):
        monkeypatch.setattr(review, "MOST", 100)
        for _ in range(100):
            lab.push(lab.merge_request(), shop.new)
        assert "or more to read" in why(facts(shop.new, shop.old)["pr.number"])


class TestDeployment:
    def test_the_last_of_the_environment(self, shop, lab, facts):
        lab.deploy(shop.old)
        lab.deploy(shop.new, environment="staging")
        said = facts(shop.new, shop.old)
        assert (said["deployment.sha"], said["deployment.state"]) == (shop.old, "success")
        assert said["deployment.by"] == "gitlab:3"
        assert said["deployment.age_s"] == 10 * 3600 - 60

    def test_none_so_far(self, shop, lab, facts):
        said = facts(shop.new, shop.old)
        assert said["deployment.state"] == "none"
        assert "nothing was deployed" in why(said["deployment.sha"])

    def test_another_name_there(self, shop, lab, facts):
        lab.deploy(shop.old, environment="live/eu")
        assert facts(shop.new, shop.old, environment="live/eu")["deployment.sha"] == shop.old

    def test_the_one_that_is_asked_for_is_not_the_last(self, shop, lab, facts):
        lab.deploy(shop.old, "failed")
        lab.deploy(shop.new, "running")
        said = facts(shop.new, shop.old)
        assert (said["deployment.sha"], said["deployment.state"]) == (shop.old, "failure")

    def test_somebody_elses_that_has_not_ended_is(self, shop, lab, facts):
        lab.deploy(shop.old, "running")
        assert facts(shop.new, shop.old)["deployment.state"] == "pending"

    @pytest.mark.parametrize(("more", "name"), [({"user": None}, "by"), ({"status": "?"}, "state")])
    def test_what_is_not_told_is_unknown(self, shop, lab, facts, more, name):
        lab.deploy(shop.old, **more)
        said = facts(shop.new, shop.old)
        assert why(said[f"deployment.{name}"])
        assert said["deployment.sha"] == shop.old

    def test_without_a_commit_only_the_deployment_is_told(self, shop, lab, facts):
        lab.deploy(shop.old)
        said = facts("")
        assert said["deployment.sha"] == shop.old
        assert why(said["git.exists"]) == "the request names no commit by its whole id"
