"""The git source against real repositories: what it says about a commit and its change."""

import subprocess

import pytest

from tests.integration.context.repositories import Repo

NOWHERE = "d" * 40
MERGER = "merger@example.com"


def identity(kind: bytes, who: bytes = b"Dev <dev@example.com>") -> bytes:
    return b"%s %s 1700000000 +0000\n" % (kind, who)


PEOPLE = identity(b"author") + identity(b"committer")


def test_the_first_deployment_is_measured_against_nothing(repo, facts_of):
    repo.commit({"a.txt": b"1\n2\n"})
    tip = repo.commit({"b/c.txt": b"3\n"}, GIT_AUTHOR_EMAIL="eve@example.com")
    facts = facts_of(tip)
    assert facts["paths"] == ("a.txt", "b/c.txt")
    assert (facts["files_changed"], facts["insertions"], facts["deletions"]) == (2, 3, 0)
    assert facts["authors"] == ("dev@example.com", "eve@example.com", MERGER)
    assert (facts["author"], facts["committer"]) == ("eve@example.com", "merger@example.com")
    assert (facts["exists"], facts["is_head"], facts["on_branch"]) == (True, True, True)


def test_a_later_deployment_is_measured_against_what_runs_there(repo, facts_of):
    old = repo.commit({"a.txt": b"1\n2\n", "gone.txt": b"x\n"})
    repo.commit({"a.txt": b"1\nzwei\n"}, GIT_AUTHOR_EMAIL="ann@example.com")
    tip = repo.commit({"gone.txt": None}, "Remove\n\nwith a body", GIT_AUTHOR_EMAIL="b@example.com")
    facts = facts_of(tip, running=old)
    assert facts["paths"] == ("a.txt", "gone.txt")
    assert (facts["insertions"], facts["deletions"], facts["diff_lines"]) == (1, 2, 3)
    assert facts["authors"] == ("ann@example.com", "b@example.com", MERGER)
    assert facts["subject"] == "Remove"


def test_each_file_and_commit_since_what_runs_there_is_listed(repo, facts_of):
    old = repo.commit({"a.txt": b"1\n2\n", "gone.txt": b"x\n"})
    first = repo.commit({"a.txt": b"1\nzwei\n"}, "One", GIT_AUTHOR_EMAIL="ann@example.com")
    tip = repo.commit(
        {"gone.txt": None, "b c\n.txt": b"3\n"}, "Two\n\nbody", GIT_AUTHOR_EMAIL="a b"
    )
    facts = facts_of(tip, running=old)
    assert facts["stat"] == ("1 1 a.txt", "1 0 b c\n.txt", "0 1 gone.txt")
    assert facts["commits"] == (f"{tip[:12]} ab Two", f"{first[:12]} ann@example.com One")


def test_more_files_or_commits_than_people_read_are_not_known_in_part(repo, facts_of, monkeypatch):
    monkeypatch.setattr("approvals.context.listed.MOST_FILES", 1)
    monkeypatch.setattr("approvals.context.listed.MOST_COMMITS", 1)
    tip = repo.commit({"a.txt": b"1\n"})
    assert len(facts_of(tip)["stat"]) == len(facts_of(tip)["commits"]) == 1
    tip = repo.commit({"b.txt": b"1\n"})
    assert "files differ" in facts_of(tip)["stat"].reason
    assert "commits since what runs" in facts_of(tip)["commits"].reason


def test_the_time_is_the_committers_in_utc(repo, facts_of):
    repo.commit({"a.txt": b"1\n"})
    assert facts_of(repo.raw_commit(PEOPLE))["committed_at"] == "2023-11-14T22:13:20.000000Z"


def test_a_time_that_cannot_be_is_unknown(repo, facts_of):
    repo.commit({"a.txt": b"1\n"})
    far = PEOPLE.replace(b" 1700000000 ", b" 99999999999999 ")
    assert "names no time" in facts_of(repo.raw_commit(far))["committed_at"].reason


def test_a_rename_counts_as_both_paths(repo, facts_of):
    old = repo.commit({"old.txt": b"1\n2\n3\n"})
    tip = repo.commit({"old.txt": None, "new.txt": b"1\n2\n3\n"})
    facts = facts_of(tip, running=old)
    assert facts["paths"] == ("new.txt", "old.txt")
    assert facts["diff_lines"] == 6


@pytest.mark.parametrize("attributes", [b"", b"* binary\n", b"* -diff\n", b"* diff=fancy\n"])
def test_nothing_in_the_change_hides_its_lines(repo, facts_of, attributes):
    old = repo.commit({"run.sh": b"#!/bin/sh\n", ".gitattributes": attributes})
    tip = repo.commit({"run.sh": b"#!/bin/sh\nevil\n: \0\nmore\n"})
    assert facts_of(tip, running=old)["insertions"] == 3


@pytest.mark.parametrize(
    "name",
    [
        "two\nlines",
        'quo"ted',
        "tab\there",
        "bjørn/ünïcode 漢字",
        " leading",
        "-option",
        "a\\b",
        "#",
    ],
)
def test_paths_come_through_as_they_are(repo, facts_of, name):
    tip = repo.commit({name: b"1\n"})
    assert facts_of(tip)["paths"] == (name,)


def test_bytes_that_are_no_text_do_no_harm(repo, facts_of):
    repo.commit({"a": b"1\n"})
    who = b"J\xfcrgen <j\xfc@example.com>"
    tip = repo.raw_commit(identity(b"author", who) + identity(b"committer"), b"Caf\xe9 \xff\n")
    facts = facts_of(tip)
    assert facts["author"] == "j\ufffd@example.com"
    assert facts["subject"] == "Caf\ufffd \ufffd"
    encoded = repo.raw_commit(PEOPLE + b"encoding ISO-8859-1\n", b"Caf\xe9\n")
    assert facts_of(encoded)["subject"] == "Café"


def test_a_merge_brings_the_authors_of_both_sides(repo, facts_of):
    old = repo.commit({"a": b"1\n"})
    repo.git("switch", "-qc", "side")
    repo.commit({"b": b"1\n"}, GIT_AUTHOR_EMAIL="side@example.com")
    repo.git("switch", "-q", "main")
    repo.commit({"c": b"1\n"}, GIT_AUTHOR_EMAIL="main@example.com")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    facts = facts_of(repo.git("rev-parse", "HEAD"), running=old)
    people = ("dev@example.com", "main@example.com", MERGER, "side@example.com")
    assert facts["authors"] == people
    assert facts["paths"] == ("b", "c")


def test_a_tag_named_like_the_branch_is_never_taken_for_it(repo, facts_of):
    old = repo.commit({"a": b"1\n"})
    tip = repo.commit({"a": b"2\n"})
    repo.git("tag", "main", old)
    repo.git("tag", "refs/heads/main", old)
    assert facts_of(tip)["head"] == tip


def test_a_branch_named_like_a_tag_or_a_full_ref_is_not_the_protected_one(repo, facts_of):
    tip = repo.commit({"a": b"1\n"})
    repo.git("branch", "v1")
    repo.git("update-ref", "refs/heads/refs/heads/release", tip)
    repo.git("update-ref", "refs/heads/heads/release", tip)
    repo.git("tag", "release", tip)
    facts = facts_of(tip, branch="release")
    assert "does not have the project's branch" in facts["head"].reason
    assert {facts[name].kind for name in ("head", "is_head", "on_branch")} == {"absent"}
    assert facts["exists"] is True


def test_a_branch_named_like_a_commit_is_not_that_commit(repo, facts_of):
    tip = repo.commit({"a": b"1\n"})
    repo.git("update-ref", f"refs/heads/{NOWHERE}", tip)
    assert facts_of(NOWHERE)["exists"] is False


def test_a_commit_that_is_nowhere_is_said_to_be_so(repo, facts_of):
    tip = repo.commit({"a": b"1\n"})
    facts = facts_of(NOWHERE)
    assert (facts["exists"], facts["is_head"], facts["on_branch"]) == (False, False, False)
    assert facts["head"] == tip
    assert "no branch of the repository has this commit" in facts["author"].reason
    assert facts["diff_lines"].kind == "absent"


def test_an_object_that_is_no_commit_is_no_commit(repo, facts_of):
    repo.commit({"a": b"1\n"})
    assert facts_of(repo.git("rev-parse", "HEAD^{tree}"))["exists"] is False


def test_a_commit_on_another_branch_exists_but_is_not_on_the_protected_one(repo, facts_of):
    repo.commit({"a": b"1\n"})
    repo.git("switch", "-qc", "feature")
    facts = facts_of(repo.commit({"a": b"2\n"}))
    assert (facts["exists"], facts["is_head"], facts["on_branch"]) == (True, False, False)


def test_an_empty_repository_has_nothing_and_may_be_filled_later(repo, facts_of):
    facts = facts_of(NOWHERE)
    assert facts["exists"] is False
    assert facts["head"].kind == "absent"
    tip = repo.commit({"a": b"1\n"})
    assert facts_of(tip)["is_head"] is True


def test_a_force_push_takes_the_old_commit_away(repo, facts_of):
    base = repo.commit({"a": b"1\n"})
    gone = repo.commit({"a": b"2\n"})
    assert facts_of(gone)["exists"] is True
    repo.git("reset", "-q", "--hard", base)
    new = repo.commit({"a": b"3\n"})
    facts = facts_of(gone)
    assert (facts["exists"], facts["on_branch"], facts["head"]) == (False, False, new)
    assert facts_of(new, running=gone)["files_changed"] == 1, "measured against nothing"


def test_a_deleted_branch_is_forgotten(repo, facts_of):
    tip = repo.commit({"a": b"1\n"})
    repo.git("switch", "-qc", "feature")
    extra = repo.commit({"a": b"2\n"})
    assert facts_of(extra)["exists"] is True
    repo.git("switch", "-q", "main")
    repo.git("branch", "-qD", "feature")
    assert facts_of(extra)["exists"] is False
    assert facts_of(tip)["is_head"] is True


def test_another_address_starts_another_mirror(repo, facts_of, tmp_path):
    here = repo.commit({"a": b"1\n"}, "Here")
    other = Repo(tmp_path / "other")
    there = other.commit({"a": b"1\n"}, "There")
    assert facts_of(here)["exists"] is True
    facts = facts_of(here, other.folder)
    assert (facts["exists"], facts["head"]) == (False, there)


def test_a_sha256_repository_is_read_too(tmp_path, facts_of):
    served = Repo(tmp_path / "sha256", object_format="sha256")
    first = served.commit({"a": b"1\n"})
    tip = served.commit({"b": b"1\n2\n"})
    assert len(tip) == 64
    assert facts_of(tip, served.folder)["insertions"] == 3
    assert facts_of(tip, served.folder, running=first)["insertions"] == 2


def test_forty_digits_of_a_longer_id_name_nothing(tmp_path, facts_of):
    served = Repo(tmp_path / "sha256", object_format="sha256")
    tip = served.commit({"a": b"1\n"})
    assert facts_of(tip[:40], served.folder)["exists"] is False


def test_a_repository_made_anew_in_another_format_is_read_after_one_failure(tmp_path, facts_of):
    served = Repo(tmp_path / "one")
    facts_of(served.commit({"a": b"1\n"}), served.folder)
    served.folder.rename(tmp_path / "away")
    again = Repo(tmp_path / "one", object_format="sha256")
    tip = again.commit({"a": b"1\n"})
    with pytest.raises(AssertionError, match="changed its object format"):
        facts_of(tip, again.folder)
    assert facts_of(tip, again.folder)["is_head"] is True


def test_over_two_thousand_paths_are_counted_but_not_named(repo, facts_of):
    blob = b"blob\nmark :1\ndata 2\nx\n\n"
    head = b"commit refs/heads/main\n" + identity(b"committer") + b"data 1\nm\n"
    files = b"".join(b"M 100644 :1 f%d\n" % n for n in range(2001))
    repo.git("fast-import", "--quiet", input=blob + head + files)
    facts = facts_of(repo.git("rev-parse", "main"))
    assert (facts["files_changed"], facts["insertions"]) == (2001, 2001)
    assert "too many items; at most 2000" in facts["paths"].reason


def test_a_long_history_is_read_quickly_and_whole(repo, facts_of):
    stream = b"".join(
        b"commit refs/heads/main\nmark :%d\n%s%sdata 1\nm\nM 100644 inline f%d\ndata 2\nx\n\n"
        % (n, identity(b"author", b"D <d%d@example.com>" % n), identity(b"committer"), n % 50)
        for n in range(1, 801)
    )
    repo.git("fast-import", "--quiet", input=stream)
    facts = facts_of(repo.git("rev-parse", "main"))
    assert len(facts["authors"]) == 801, "nobody is left out"
    assert facts["files_changed"] == 50


def large_history(commits: int) -> bytes:
    """What git fast-import makes a history of: a thousand files, and a merge at every tenth commit,
    by three hundred people."""
    stream = []
    for n in range(1, commits + 1):
        who = b"D <d%d@example.com>" % (n % 300)
        merged = b"merge :%d\n" % (n - 5) if n > 10 and n % 10 == 0 else b""
        start = b"commit refs/heads/main\nmark :%d\n" % n
        people = identity(b"author", who) + identity(b"committer")
        text = b"line %d\n" % n
        file = b"M 100644 inline d%d/f%d\ndata %d\n%s\n" % (n % 40, n % 1000, len(text), text)
        stream.append(start + people + b"data 1\nm\n" + merged + file)
    return b"".join(stream)


def test_a_first_fetch_of_a_large_repository_is_read_whole_within_its_budget(repo, facts_of):
    """`facts_of` asks with the source's own budget, and fails where the source does."""
    repo.git("fast-import", "--quiet", input=large_history(8_000))
    tip, running = (repo.git("rev-parse", name) for name in ("main", "main~3000"))
    first = facts_of(tip)
    assert len(first["authors"]) == 300 + 1
    assert (first["files_changed"], first["on_branch"]) == (1000, True)
    later = facts_of(tip, running=running)
    assert len(later["authors"]) == 300 + 1
    assert later["files_changed"] == 1000
    assert facts_of(running, running=running)["is_head"] is False


def test_authors_of_too_long_a_span_are_unknown(repo, facts_of, monkeypatch):
    monkeypatch.setattr("portal.kernel.git.MAX_COMMITS", 2)
    first = repo.commit({"a": b"1\n"})
    repo.commit({"a": b"2\n"})
    tip = repo.commit({"a": b"3\n"})
    assert facts_of(tip, running=first)["authors"] == ("dev@example.com", MERGER)
    facts = facts_of(tip)
    assert facts["authors"].kind == "absent"
    assert facts["files_changed"] == 1


def test_an_endless_address_hides_no_other_author(repo, facts_of):
    """A commit by hand may carry any address; the fact is capped, the people stay known."""
    first = repo.commit({"a": b"1\n"})
    repo.commit({"a": b"2\n"}, GIT_AUTHOR_EMAIL="ann@example.com")
    long = "x" * 9_000 + "@example.com"
    tip = repo.commit({"a": b"3\n"}, GIT_AUTHOR_EMAIL=long, GIT_COMMITTER_EMAIL=long)
    facts = facts_of(tip, running=first)
    assert facts["authors"] == ("ann@example.com", MERGER, "x" * 320 + "…")
    assert facts["author"] == facts["committer"] == "x" * 320 + "…"


def test_who_committed_part_of_the_change_is_among_its_writers(repo, facts_of):
    """Who commits may have written it: what a commit says about its author is free to choose."""
    first = repo.commit({"a": b"1\n"})
    repo.commit({"a": b"2\n"}, GIT_COMMITTER_EMAIL="maria@example.com")
    tip = repo.commit({"a": b"3\n"})
    facts = facts_of(tip, running=first)
    assert facts["authors"] == ("dev@example.com", "maria@example.com", MERGER)


@pytest.mark.parametrize("address", [b"", b" "])
@pytest.mark.parametrize("kind", ["author", "committer"])
def test_a_commit_without_an_address_leaves_its_people_unknown(repo, facts_of, kind, address):
    first = repo.commit({"a": b"1\n"})
    assert facts_of(first)["authors"] == ("dev@example.com", MERGER)
    nobody = identity(kind.encode(), b"Nobody <%s>" % address)
    lines = {"author": identity(b"author"), "committer": identity(b"committer"), kind: nobody}
    nameless = repo.raw_commit(lines["author"] + lines["committer"])
    facts = facts_of(nameless, running=first)
    assert facts[kind].reason == "the commit names no address"
    assert facts["committer" if kind == "author" else "author"] == "dev@example.com"
    assert "names no address" in facts["authors"].reason
    repo.git("reset", "-q", "--hard")
    later = facts_of(repo.commit({"a": b"2\n"}), running=first)
    assert later["author"] == "dev@example.com"
    assert later["authors"].kind == "absent", "one of them is still not known"


class TestSignatures:
    def test_an_unsigned_commit_has_none(self, repo, facts_of):
        facts = facts_of(repo.commit({"a": b"1\n"}))
        assert (facts["signed"], facts["signature"]) == (False, "none")

    def test_a_signature_by_a_key_nobody_knows_is_unknown(self, repo, facts_of, tmp_path):
        key = tmp_path / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        for name, value in (("gpg.format", "ssh"), ("user.signingKey", f"{key}.pub")):
            repo.git("config", name, value)
        repo.git("config", "gpg.ssh.allowedSignersFile", str(key))
        repo.git("config", "commit.gpgSign", "true")
        facts = facts_of(repo.commit({"a": b"1\n"}))
        assert facts["signature"] == "unknown"
        assert facts["signed"].reason == "the signature could not be checked"

    @pytest.mark.parametrize("name", [b"gpgsig", b"gpgsig-sha256"])
    def test_a_signature_of_nonsense_is_unknown(self, repo, facts_of, name):
        repo.commit({"a": b"1\n"})
        lines = b" -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----\n"
        tip = repo.raw_commit(PEOPLE + name + lines)
        assert facts_of(tip)["signature"] == "unknown"

    def test_the_word_in_the_message_is_no_signature(self, repo, facts_of):
        tip = repo.commit({"a": b"1\n"}, "Subject\n\ngpgsig -----BEGIN PGP SIGNATURE-----")
        assert facts_of(tip)["signature"] == "none"
