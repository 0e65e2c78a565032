"""What is said about a commit, the branch, and the change against what runs."""

import pytest

from approvals.context.sources.github import change
from policies.language.facts import Unknown
from portal.kernel.clock import rfc3339
from tests.github import START, UNSIGNED
from tests.remote import Says

pytestmark = pytest.mark.django_db

NOWHERE = "d" * 40
MERGER = "merger@example.com"


def why(state):
    assert isinstance(state, Unknown), state
    assert state.kind == "absent"
    return state.reason


class TestCommit:
    def test_its_people_words_and_page(self, shop, hub, facts):
        said = facts(shop.new, shop.old)
        assert said["git.exists"] is True
        assert said["git.author"] == "ana@example.com"
        assert said["git.committer"] == MERGER
        assert said["git.subject"] == "Raise the price"
        assert said["git.message"] == "Raise the price\n\nBecause of beans."
        assert said["git.url"].endswith(shop.new)
        assert said["git.committed_at"] == rfc3339(START)

    def test_the_tip_of_the_branch(self, shop, hub, facts):
        said = facts(shop.new, shop.old)
        assert (said["git.head"], said["git.is_head"]) == (shop.new, True)
        assert (said["git.on_branch"], said["git.branch_protected"]) == (True, True)

    def test_the_branch_moves_on(self, shop, hub, facts):
        hub.protected.clear()
        assert facts(shop.new, shop.old)["git.is_head"] is True
        tip = shop.commit({"more.txt": b"1\n"})
        said = facts(shop.new, shop.old, fresh=True)
        assert (said["git.head"], said["git.is_head"]) == (tip, False)
        assert (said["git.on_branch"], said["git.branch_protected"]) == (True, False)

    def test_a_commit_of_another_branch_is_not_on_it(self, shop, hub, facts):
        shop.git("checkout", "-q", "-b", "side", shop.old)
        side = shop.commit({"side.txt": b"1\n"})
        said = facts(side, shop.old)
        assert (said["git.on_branch"], said["git.is_head"]) == (False, False)
        assert said["git.exists"] is True

    def test_a_commit_of_a_fork_is_not_said_to_be_here(self, shop, hub, facts):
        shop.git("checkout", "-q", "-b", "fork", shop.old)
        foreign = shop.commit({"evil.txt": b"1\n"})
        hub.forks.add(foreign)
        said = facts(foreign, shop.old)
        assert said["git.on_branch"] is False
        assert "commits of forks" in why(said["git.exists"])

    def test_a_branch_without_common_history(self, shop, hub, facts):
        shop.git("checkout", "-q", "--orphan", "alone")
        alone = shop.commit({"alone.txt": b"1\n"})
        assert facts(alone, shop.old)["git.on_branch"] is False

    @pytest.mark.parametrize("branch", ["trunk", ".."])
    def test_a_branch_that_is_not_there(self, shop, hub, facts, branch):
        said = facts(shop.new, shop.old, branch=branch)
        for name in ("head", "is_head", "on_branch", "branch_protected"):
            assert "project's branch" in why(said[f"git.{name}"])

    def test_b7_a_tag_that_is_called_like_the_branch_is_not_asked(self, shop, hub, facts):
        shop.git("tag", "main", shop.old)
        assert facts(shop.new, shop.old)["git.head"] == shop.new

    def test_a_commit_that_is_not_there(self, shop, hub, facts):
        hub.deploy(shop.old, "success")
        said = facts(NOWHERE, shop.old)
        assert (said["git.exists"], said["git.on_branch"]) == (False, False)
        assert (said["git.head"], said["git.is_head"]) == (shop.new, False)
        for name in ("git.authors", "git.diff_lines", "ci.state", "pr.number"):
            assert "does not have this commit" in why(said[name])
        assert said["deployment.sha"] == shop.old

    @pytest.mark.parametrize("commit", ["", "main", "../..", "9f3c1ab", "F" * 40])
    def test_what_is_no_whole_id_is_not_asked_about(self, shop, hub, facts, commit):
        hub.deploy(shop.old, "success")
        said = facts(commit, shop.old)
        assert "no commit by its whole id" in why(said["git.exists"])
        assert said["deployment.sha"] == shop.old
        assert not [path for _, path, _, _ in hub.asked if "/deployments" not in path]

    @pytest.mark.parametrize(
        ("verified", "reason", "signature", "signed"),
        [
            (True, "valid", "good", True),
            (True, "unsigned", "unknown", None),
            (False, "valid", "unknown", None),
            (False, "invalid", "bad", False),
            (False, "malformed_signature", "bad", False),
            (False, "unsigned", "none", False),
            (False, "gpgverify_unavailable", "unknown", None),
            (False, "unknown_key", "unknown", None),
            (False, "a word of next year", "unknown", None),
        ],
    )
    def test_its_signature(self, shop, hub, facts, verified, reason, signature, signed):
        hub.verification[shop.new] = {**UNSIGNED, "verified": verified, "reason": reason}
        said = facts(shop.new, shop.old)
        assert said["git.signature"] == signature
        if signed is None:
            assert "could not be checked" in why(said["git.signed"])
        else:
            assert said["git.signed"] is signed

    def test_hostile_words_end_and_hide_nobody(self, shop, hub, facts):
        long = shop.commit({}, "x" * 10_000, GIT_AUTHOR_EMAIL=f"{'e' * 5_000}@example.com")
        said = facts(long, shop.new)
        assert len(said["git.message"]) == len(said["git.subject"]) == 4_001
        assert said["git.authors"] == (said["git.author"], MERGER)


class TestWriters:
    def test_everybody_since_what_runs(self, shop, hub, facts):
        noreply = "12+tomas@users.noreply.github.com"
        hub.people[noreply] = 12
        tip = shop.commit({"a": b"1"}, GIT_AUTHOR_EMAIL=noreply)
        said = facts(tip, shop.old)
        assert said["git.authors"] == (noreply, "ana@example.com", MERGER)
        assert said["git.author_ids"] == ("github:11", "github:12")
        assert said["git.committer_ids"] == ("github:13",)

    def test_a4_accounts_are_unknown_where_one_commit_has_none(self, shop, hub, facts):
        tip = shop.commit({"a": b"1"}, GIT_AUTHOR_EMAIL="nobody@example.com")
        said = facts(tip, shop.old)
        assert "belongs to no account" in why(said["git.author_ids"])
        assert said["git.committer_ids"] == ("github:13",)
        assert "nobody@example.com" in said["git.authors"]

    def test_writers_are_unknown_where_one_commit_has_no_address(self, shop, hub, facts):
        tip = shop.commit({"a": b"1"}, GIT_AUTHOR_EMAIL="")
        assert "names no address" in why(facts(tip, shop.old)["git.authors"])

    def test_page_after_page(self, shop, hub, facts, monkeypatch):
        monkeypatch.setattr(change, "PAGE", 2)
        for number in range(4):
            tip = shop.commit({}, GIT_AUTHOR_EMAIL=f"dev{number}@example.com")
        assert len(facts(tip, shop.new)["git.authors"]) == 5
        assert len(facts(tip, shop.old)["git.authors"]) == 6

    def test_too_many_commits_are_unknown(self, shop, hub, facts, monkeypatch):
        monkeypatch.setattr(change, "MOST_COMMITS", 2)
        tip = shop.commit({})
        said = facts(tip, shop.old)
        assert "commits or more" in why(said["git.authors"])
        assert "commits or more" in why(said["git.author_ids"])
        assert said["git.paths"] == ("gone.txt", "prices.py")

    def test_the_first_time_they_are_those_of_the_whole_history(self, shop, hub, facts):
        for running in ("", NOWHERE):
            said = facts(shop.new, running)
            assert said["git.authors"] == ("ana@example.com", "dev@example.com", MERGER)
            assert "nothing that the forge knows" in why(said["git.paths"])

    @pytest.mark.parametrize("left", [0, 1])
    def test_a_comparison_that_leaves_commits_out_fails(self, shop, hub, answer, left):
        tip = shop.commit({})
        told = hub._compare({}, shop.old, tip)
        told["commits"] = told["commits"][:left]
        hub.refuses.append((f"compare/{shop.old}", Says(told)))
        assert "not all commits" in answer(tip, shop.old).error

    def test_a_comparison_that_knows_of_none_must_have_none(self, shop, hub, answer):
        told = {**hub._compare({}, shop.old, shop.new), "commits": [], "total_commits": 0}
        hub.refuses.append((f"compare/{shop.old}", Says(told)))
        assert "not all commits" in answer(shop.new, shop.old).error


class TestFiles:
    def test_paths_and_lines(self, shop, hub, facts):
        said = facts(shop.new, shop.old)
        assert said["git.paths"] == ("gone.txt", "prices.py")
        assert said["git.files_changed"] == 2
        assert (said["git.insertions"], said["git.deletions"]) == (2, 2)
        assert said["git.diff_lines"] == 4

    def test_going_back_takes_away_what_was_added(self, shop, hub, facts):
        tip = shop.commit({"new.txt": b"1\n2\n3\n"})
        said = facts(shop.new, tip)
        assert said["git.paths"] == ("new.txt",)
        assert (said["git.insertions"], said["git.deletions"]) == (0, 3)
        assert said["git.authors"] == ()

    def test_the_same_commit_again_changes_nothing(self, shop, hub, facts):
        said = facts(shop.new, shop.new)
        assert (said["git.paths"], said["git.diff_lines"]) == ((), 0)
        assert said["git.authors"] == ()

    def test_what_went_apart_cannot_be_compared(self, shop, hub, facts):
        shop.git("checkout", "-q", "-b", "side", shop.old)
        side = shop.commit({"side.txt": b"1\n"}, GIT_AUTHOR_EMAIL="tomas@example.com")
        said = facts(side, shop.new)
        assert "does not descend" in why(said["git.paths"])
        assert "does not descend" in why(said["git.diff_lines"])
        assert said["git.authors"] == (MERGER, "tomas@example.com")

    def test_a_renamed_file_has_both_paths(self, shop, hub, facts):
        shop.git("mv", "prices.py", "costs.py")
        said = facts(shop.commit({}), shop.new)
        assert said["git.paths"] == ("costs.py", "prices.py")

    def test_three_hundred_files_may_be_more(self, shop, hub, facts):
        most = {f"many/{number}": b"1\n" for number in range(299)}
        said = facts(shop.commit(most), shop.new)
        assert said["git.files_changed"] == 299
        tip = shop.commit({"many/299": b"1\n"})
        said = facts(tip, shop.new)
        assert "not all changed files" in why(said["git.paths"])
        assert "not all changed files" in why(said["git.insertions"])
        assert said["git.authors"] == ("dev@example.com", MERGER)

    @pytest.mark.parametrize("content", [b"\0", b"1\0\n" * 500])
    def test_lines_of_binary_files_are_unknown(self, shop, hub, facts, content):
        said = facts(shop.commit({"blob": content}), shop.new)
        assert said["git.paths"] == ("blob",)
        assert "not all changed lines" in why(said["git.diff_lines"])

    def test_an_empty_file_has_no_lines(self, shop, hub, facts):
        said = facts(shop.commit({"empty": b""}), shop.new)
        assert (said["git.paths"], said["git.diff_lines"]) == (("empty",), 0)


def test_files_and_commits_are_listed_as_git_lists_them(shop, hub, facts):
    tip = shop.commit({"more.txt": b"1\n2\n"}, "More")
    said = facts(tip, shop.old)
    numbers = shop.git("diff", "--numstat", shop.old, tip).replace("\t", " ").splitlines()
    assert sorted(said["git.stat"]) == sorted(numbers)
    log = shop.git("log", "--format=%H %ae %s", f"{shop.old}..{tip}").splitlines()
    assert list(said["git.commits"]) == [line[:12] + line[40:] for line in log]
    assert len(log) > 1
