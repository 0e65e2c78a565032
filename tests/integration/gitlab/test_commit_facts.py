"""What is said about a commit, and about what it changes."""

from datetime import datetime

import pytest

from approvals.context import forge
from approvals.context.sources.gitlab import change
from portal.kernel.clock import rfc3339
from tests.integration.gitlab.unknown import why

pytestmark = pytest.mark.django_db

NOWHERE = "d" * 40
MERGER = "merger@example.com"


class TestCommit:
    def test_its_people_words_and_page(self, shop, lab, facts):
        said = facts(shop.new, shop.old)
        assert said["git.exists"] is True
        assert said["git.author"] == "ana@example.com"
        assert said["git.committer"] == MERGER
        assert said["git.subject"] == "Raise the price"
        assert said["git.message"] == "Raise the price\n\nBecause of beans.\n"
        assert said["git.url"].endswith(shop.new)
        committed = lab.repo.git("log", "-1", "--format=%cI", shop.new)
        assert said["git.committed_at"] == rfc3339(datetime.fromisoformat(committed))

    def test_accounts_are_not_guessed_from_addresses(self, shop, lab, facts):
        said = facts(shop.new, shop.old)
        for name in ("git.author_ids", "git.committer_ids"):
            assert "does not say to which account" in why(said[name])

    def test_the_tip_of_the_branch(self, shop, lab, facts):
        said = facts(shop.new, shop.old)
        assert (said["git.head"], said["git.is_head"]) == (shop.new, True)
        assert (said["git.on_branch"], said["git.branch_protected"]) == (True, True)

    def test_an_older_commit_is_on_the_branch_and_not_its_tip(self, shop, lab, facts):
        lab.protected.clear()
        said = facts(shop.old, shop.old)
        assert (said["git.is_head"], said["git.on_branch"]) == (False, True)
        assert said["git.branch_protected"] is False

    def test_a_commit_of_another_branch_is_not_on_it(self, shop, lab, facts):
        shop.git("checkout", "-q", "-b", "side", shop.old)
        side = shop.commit({"side.txt": b"1\n"})
        said = facts(side, shop.old)
        assert (said["git.on_branch"], said["git.is_head"]) == (False, False)
        assert said["git.exists"] is True

    def test_a_commit_on_no_branch_is_not_there(self, shop, lab, facts):
        shop.git("checkout", "-q", "--detach", shop.old)
        loose = shop.commit({"fork.txt": b"1\n"})
        shop.git("update-ref", "refs/merge-requests/1/head", loose)
        said = facts(loose, shop.old)
        assert (said["git.exists"], said["git.on_branch"]) == (False, False)

    def test_a_branch_without_common_history(self, shop, lab, facts):
        shop.git("checkout", "-q", "--orphan", "alone")
        alone = shop.commit({"alone.txt": b"1\n"})
        assert facts(alone, shop.old)["git.on_branch"] is False

    @pytest.mark.parametrize("branch", ["trunk", "..", "a/../main"])
    def test_a_branch_that_is_not_there(self, shop, lab, facts, branch):
        said = facts(shop.new, shop.old, branch=branch)
        for name in ("head", "is_head", "on_branch", "branch_protected"):
            assert "project's branch" in why(said[f"git.{name}"])

    def test_a_commit_that_is_not_there(self, shop, lab, facts):
        lab.deploy(shop.old)
        said = facts(NOWHERE, shop.old)
        assert (said["git.exists"], said["git.on_branch"]) == (False, False)
        assert (said["git.head"], said["git.is_head"]) == (shop.new, False)
        for name in ("git.authors", "git.diff_lines", "ci.state", "pr.number"):
            assert "does not have this commit" in why(said[name])
        assert said["deployment.sha"] == shop.old

    @pytest.mark.parametrize("kind", ["tag", "branch"])
    def test_a_ref_that_is_called_like_a_commit_is_none(self, shop, lab, facts, kind):
        shop.git("update-ref", f"refs/{'tags' if kind == 'tag' else 'heads'}/{NOWHERE}", shop.new)
        lab._id = lambda name: shop.new if name == NOWHERE else shop.git("rev-parse", name)
        assert facts(NOWHERE, shop.old)["git.exists"] is False

    @pytest.mark.parametrize(
        ("status", "signature", "signed"),
        [
            ("verified", "good", True),
            ("verified_system", "good", True),
            ("other_user", "bad", False),
            ("revoked_key", "bad", False),
            ("unknown_key", "unknown", None),
            ("unverified", "unknown", None),
            ("a word of next year", "unknown", None),
        ],
    )
    def test_its_signature(self, shop, lab, facts, status, signature, signed):
        lab.signatures[shop.new] = status
        said = facts(shop.new, shop.old)
        assert said["git.signature"] == signature
        if signed is None:
            assert "could not be checked" in why(said["git.signed"])
        else:
            assert said["git.signed"] is signed

    def test_no_signature(self, shop, lab, facts):
        said = facts(shop.new, shop.old)
        assert (said["git.signature"], said["git.signed"]) == ("none", False)

    def test_hostile_words_end_and_hide_nobody(self, shop, lab, facts):
        long = shop.commit({}, "x" * 10_000, GIT_AUTHOR_EMAIL=f"{'e' * 5_000}@example.com")
        said = facts(long, shop.new)
        assert len(said["git.message"]) == len(said["git.subject"]) == 4_001
        assert said["git.authors"] == (said["git.author"], MERGER)


class TestChange:
    def test_against_what_runs_there(self, shop, lab, facts):
        said = facts(shop.new, shop.old)
        assert said["git.authors"] == ("ana@example.com", MERGER)
        assert said["git.paths"] == ("gone.txt", "prices.py")
        assert said["git.files_changed"] == 2
        assert (said["git.insertions"], said["git.deletions"]) == (2, 2)
        assert said["git.diff_lines"] == 4

    def test_the_first_time_everybody_wrote_it_and_nothing_compares(self, shop, lab, facts):
        said = facts(shop.new)
        assert said["git.authors"] == ("ana@example.com", "dev@example.com", MERGER)
        assert "to compare with" in why(said["git.paths"])
        assert "to compare with" in why(said["git.diff_lines"])

    def test_what_ran_there_is_gone_from_the_project(self, shop, lab, facts):
        said = facts(shop.new, NOWHERE)
        assert "dev@example.com" in said["git.authors"]
        assert "to compare with" in why(said["git.diff_lines"])

    def test_going_back_shows_what_differs_and_has_no_new_writers(self, shop, lab, facts):
        said = facts(shop.old, shop.new)
        assert said["git.authors"] == ()
        assert said["git.paths"] == ("gone.txt", "prices.py")
        assert said["git.diff_lines"] == 4

    def test_the_same_again_changes_nothing(self, shop, lab, facts):
        said = facts(shop.new, shop.new)
        assert (said["git.paths"], said["git.diff_lines"], said["git.authors"]) == ((), 0, ())

    def test_a_rename_counts_as_both_paths(self, shop, lab, facts):
        moved = shop.commit({"prices.py": None, "cost.py": b"1\nzwei\ndrei\n"})
        assert facts(moved, shop.new)["git.paths"] == ("cost.py", "prices.py")

    def test_lines_that_look_like_headers_are_lines(self, shop, lab, facts):
        before = shop.commit({"q.sql": b"-- one\n"})
        after = shop.commit({"q.sql": b"++ two\n"})
        said = facts(after, before)
        assert (said["git.insertions"], said["git.deletions"]) == (1, 1)

    def test_an_empty_new_file_has_no_lines(self, shop, lab, facts):
        empty = shop.commit({"__init__.py": b""})
        said = facts(empty, shop.new)
        assert (said["git.paths"], said["git.diff_lines"]) == (("__init__.py",), 0)

    @pytest.mark.parametrize("attributes", [b"", b"* -diff\n"])
    def test_a_file_that_counts_as_binary_makes_no_small_change(self, shop, lab, facts, attributes):
        before = shop.commit({"run.sh": b"#!/bin/sh\n", ".gitattributes": attributes})
        after = shop.commit({"run.sh": b"#!/bin/sh\nevil\n: \0\n"})
        said = facts(after, before)
        assert said["git.paths"] == ("run.sh",)
        assert "not all changed lines" in why(said["git.diff_lines"])

    def test_a_file_that_is_not_shown_makes_lines_unknown_and_is_a_path(self, shop, lab, facts):
        lab.collapsed = {"prices.py"}
        said = facts(shop.new, shop.old)
        assert said["git.files_changed"] == 2
        for name in ("insertions", "deletions", "diff_lines"):
            assert "not all changed lines" in why(said[f"git.{name}"])

    def test_more_files_than_are_listed_make_paths_unknown(self, shop, lab, facts):
        lab.most_files = 1
        said = facts(shop.new, shop.old)
        assert "not all changed files" in why(said["git.paths"])
        assert "not all changed files" in why(said["git.diff_lines"])
        assert said["git.authors"] == ("ana@example.com", MERGER)

    def test_writers_on_every_page_are_found(self, shop, lab, facts, monkeypatch):
        monkeypatch.setattr(forge, "PAGE", 2)
        for number in range(4):
            last = shop.commit({}, GIT_AUTHOR_EMAIL=f"{number}@example.com")
        assert len(facts(last, shop.old)["git.authors"]) == 6

    def test_more_commits_than_are_read_make_writers_unknown(self, shop, lab, facts, monkeypatch):
        monkeypatch.setattr(change, "MOST_COMMITS", 1)
        monkeypatch.setattr(forge, "PAGE", 1)
        said = facts(shop.new, shop.old)
        assert "commits or more" in why(said["git.authors"])
        assert "commits or more" in why(said["git.diff_lines"])

    def test_a_writer_without_an_address(self, shop, lab, facts):
        nameless = shop.raw_commit(
            b"author Eve <> 1700000000 +0000\ncommitter Dev <dev@example.com> 1700000000 +0000"
        )
        said = facts(nameless, shop.new)
        assert "names no address" in why(said["git.authors"])
        assert "names no address" in why(said["git.author"])

    def test_a_list_that_leaves_all_out_fails(self, shop, lab, answer):
        lab._log, real = (lambda span, *flags: [] if ".." in span else real(span, *flags)), lab._log
        assert "lists no commits" in answer(shop.new, shop.old).error

    def test_what_is_left_out_is_neither_told_nor_asked(self, shop, lab, facts):
        said = facts(shop.new, shop.old, facts="git.branch_protected git.message")
        assert said == {
            "git.branch_protected": True,
            "git.message": "Raise the price\n\nBecause of beans.\n",
        }
        assert len(lab.asked) == 2


def test_files_and_commits_are_listed_as_git_lists_them(shop, lab, facts):
    tip = shop.commit({"more.txt": b"1\n2\n"}, "More")
    said = facts(tip, shop.old)
    numbers = shop.git("diff", "--numstat", shop.old, tip).replace("\t", " ").splitlines()
    assert sorted(said["git.stat"]) == sorted(numbers)
    log = shop.git("log", "--format=%H %ae %s", f"{shop.old}..{tip}").splitlines()
    assert list(said["git.commits"]) == [line[:12] + line[40:] for line in log]
    assert len(log) > 1
