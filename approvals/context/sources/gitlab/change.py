"""What a commit changes against what runs there now, and who wrote it, as GitLab compares."""

from typing import Any

from approvals.context.forge import (
    FIRST,
    NOT_LISTED,
    NOT_SHOWN,
    TooMany,
    Values,
    change_facts,
    said,
)
from approvals.context.listed import commit_lines
from approvals.context.people import people
from approvals.context.source import SourceFailed
from approvals.context.sources.gitlab.api import GitLabProject
from approvals.context.sources.gitlab.commit import find_commit
from policies.language.facts import Unknown

MOST_COMMITS = 1_000
NO_ACCOUNT = Unknown(
    "GitLab does not say to which account a commit belongs; git.authors has the addresses", "absent"
)
TOO_LONG = Unknown(f"{MOST_COMMITS} commits or more since what runs there now", "absent")


def about_change(project: GitLabProject, commit: str, running: str) -> Values:
    """Writers, paths and lines since `running` (empty: nothing runs there).

    What runs there and is not in the project any more cannot be compared with: then its writers
    are those of the whole history.
    """
    base = running if running and find_commit(project, running) is not None else ""
    writers, commits = _writers(project, base, commit)
    if not base:
        change = change_facts(FIRST, FIRST)
    elif writers is TOO_LONG:
        change = change_facts(TOO_LONG, TOO_LONG)
    else:
        change = _compared(project, base, commit)
    named = ("git.author_ids", "git.committer_ids", "git.author_accounts")
    accounts = dict.fromkeys(named, NO_ACCOUNT)
    return {**change, **accounts, "git.authors": writers, "git.commits": commits}


def _writers(
    project: GitLabProject, base: str, commit: str
) -> tuple[list[str] | Unknown, list[str] | Unknown]:
    """Addresses of authors and committers of every commit, and the commits; or why not of all."""
    span = f"{base}..{commit}" if base else commit
    try:
        commits = project.every(
            "repository/commits", [("ref_name", span)], most=MOST_COMMITS, lasting=True
        )
    except TooMany:
        return TOO_LONG, TOO_LONG
    if not commits:
        _require_older(project, base, commit)
    roles = ("author_email", "committer_email")
    writers = people(said(one, str, name) for one in commits for name in roles)
    return writers, commit_lines(_line(one) for one in commits)


def _line(commit: Any) -> tuple[str, str, str]:
    subject = said(commit, str, "title")
    return said(commit, str, "id"), said(commit, str, "author_email"), subject


def _require_older(project: GitLabProject, base: str, commit: str) -> None:
    """No commit between them: true only of a commit that `base` has already. Raises SourceFailed.

    Writers that GitLab left out for whatever reason would be free to decide.
    """
    if not base or not project.reaches(base, commit):
        raise SourceFailed("it lists no commits where there must be some")


def _compared(project: GitLabProject, base: str, commit: str) -> Values:
    # `straight`: what differs, also when an older commit goes back there; else it would be nothing.
    asked = [("from", base), ("to", commit), ("straight", "true")]
    compared = project.get("repository/compare", asked, lasting=True)
    diffs = said(compared, list, "diffs")
    if said(compared, bool, "compare_timeout"):  # GitLab's word for its limits, too
        return change_facts(NOT_LISTED, NOT_LISTED)
    paths = [said(one, str, name) for one in diffs for name in ("old_path", "new_path")]
    counted = [_lines(one) for one in diffs]
    known = [lines for lines in counted if lines is not None]
    if len(known) < len(counted):
        return change_facts(paths, NOT_SHOWN)
    files = [
        (add, take, said(one, str, "new_path"))
        for one, (add, take) in zip(diffs, known, strict=True)
    ]
    return change_facts(paths, files)


def _lines(diff: Any) -> tuple[int, int] | None:
    """Lines added and removed in one file; None where GitLab does not show them.

    A file that counts as binary, by one NUL or by the repository's own attributes, has no lines
    here: that must not look like a small change.
    """
    text = said(diff, str, "diff")
    if diff.get("too_large") or diff.get("collapsed"):
        return None
    if not text:
        same = diff.get("a_mode") == diff.get("b_mode")
        moved = (diff.get(name) for name in ("renamed_file", "new_file", "deleted_file"))
        return None if same and not any(moved) else (0, 0)
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.startswith("@@ ")), None)
    if first is None:
        return None
    hunks = lines[first:]
    return sum(line.startswith("+") for line in hunks), sum(line.startswith("-") for line in hunks)
