"""What a commit changes against what runs there now, and who wrote it, as GitHub compares."""

from typing import Any, Literal

from approvals.context.fetch import NotThere
from approvals.context.forge import (
    FIRST,
    NOT_LISTED,
    NOT_SHOWN,
    PAGE,
    TooMany,
    Values,
    change_facts,
    said,
)
from approvals.context.listed import commit_lines
from approvals.context.people import address, people
from approvals.context.source import SourceFailed
from approvals.context.sources.github.api import GitHubRepository, account
from approvals.context.sources.github.commit import email
from approvals.requesters import NO_ACCOUNT
from policies.language.facts import Unknown

MOST_COMMITS = 1_000
MOST_FILES = 300  # GitHub lists no more, and does not say that there are more
TOO_LONG = Unknown(f"{MOST_COMMITS} commits or more since what runs there now", "absent")
APART = Unknown("the commit does not descend from what runs there now", "absent")
ACCOUNTLESS = Unknown("a commit since what runs there now belongs to no account", "absent")
# Whoever GitHub left out, for whatever reason, would be free to decide.
_LEFT_OUT = "it lists not all commits since what runs there now"
_EMPTY_FILE = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
_OF_WRITERS = (
    "git.authors", "git.author_ids", "git.committer_ids", "git.author_accounts", "git.commits",
)  # fmt: skip
_ROLES: tuple[Literal["author", "committer"], ...] = ("author", "committer")


def about_change(repository: GitHubRepository, commit: str, running: str) -> Values:
    """Writers, paths and lines since `running` (empty: nothing runs there).

    What runs there and is not in the repository any more cannot be compared with: then the writers
    are those of the whole history.
    """
    compared = _compared(repository, running, commit) if running else None
    if compared is None:
        return {**change_facts(FIRST, FIRST), **_writers(_history(repository, commit))}
    return {
        **_files(repository, compared, running, commit),
        **_writers(_since(repository, compared, running, commit)),
    }


def _compared(repository: GitHubRepository, base: str, commit: str, page: int = 1) -> Any | None:
    """The comparison of two commits by their ids; None where they have nothing in common."""
    paged = [("per_page", str(PAGE)), ("page", str(page))]
    try:
        return repository.get(f"compare/{base}...{commit}", paged, lasting=True)
    except NotThere:
        return None


def _since(
    repository: GitHubRepository, compared: Any, base: str, commit: str
) -> list[Any] | Unknown:
    """Every commit since `base`; the first page of the comparison is at hand."""
    total = said(compared, int, "total_commits")
    if total >= MOST_COMMITS:
        return TOO_LONG
    found = list(said(compared, list, "commits"))
    for page in range(2, -(-total // PAGE) + 1):
        found += said(_compared(repository, base, commit, page), list, "commits")
    whole = len({said(one, str, "sha") for one in found}) == total
    if not whole or bool(total) is (said(compared, str, "status") in {"behind", "identical"}):
        raise SourceFailed(_LEFT_OUT)
    return found[::-1]  # GitHub compares forwards, and lists backwards


def _history(repository: GitHubRepository, commit: str) -> list[Any] | Unknown:
    """The commit and every one before it."""
    try:
        found = repository.every("commits", [("sha", commit)], most=MOST_COMMITS, lasting=True)
    except TooMany:
        return TOO_LONG
    if not found or said(found[0], str, "sha") != commit:
        raise SourceFailed(_LEFT_OUT)
    return found


def _writers(commits: list[Any] | Unknown) -> Values:
    """The commits, and who wrote or committed them: addresses, and accounts; or why not all."""
    if isinstance(commits, Unknown):
        return dict.fromkeys(_OF_WRITERS, commits)
    return {
        "git.authors": people(email(one, role) for one in commits for role in _ROLES),
        "git.author_ids": _accounts(commits, "author"),
        "git.committer_ids": _accounts(commits, "committer"),
        "git.author_accounts": sorted({_author(one) for one in commits}),
        "git.commits": commit_lines(_line(one) for one in commits),
    }


def _line(commit: Any) -> tuple[str, str, str]:
    subject = said(commit, str, "commit", "message").partition("\n")[0]
    return said(commit, str, "sha"), email(commit, "author"), subject


def _author(commit: Any) -> str:
    """The account that GitHub found, by the address, which stands behind it."""
    named = account(commit.get("author")) or NO_ACCOUNT
    return f"{named} {address(email(commit, 'author'))}"


def _accounts(commits: list[Any], role: str) -> list[str] | Unknown:
    found = {account(one.get(role)) for one in commits}
    return ACCOUNTLESS if None in found else sorted(name for name in found if name)


def _files(repository: GitHubRepository, compared: Any, base: str, commit: str) -> Values:
    """Paths and lines that differ. GitHub compares with where the two parted, so that is only what
    differs where one of them is before the other."""
    status = said(compared, str, "status")
    if status == "behind":  # an older commit goes back there: what is taken away was added before
        reverse = _compared(repository, commit, base)
        return _counted(reverse, backwards=True)
    return _counted(compared) if status in {"ahead", "identical"} else change_facts(APART, APART)


def _counted(compared: Any, *, backwards: bool = False) -> Values:
    files = said(compared, list, "files")
    if len(files) >= MOST_FILES:
        return change_facts(NOT_LISTED, NOT_LISTED)
    paths = [said(one, str, "filename") for one in files]
    paths += [one["previous_filename"] for one in files if one.get("previous_filename")]
    if any(_uncounted(one) for one in files):
        return change_facts(paths, NOT_SHOWN)
    ways = ("deletions", "additions") if backwards else ("additions", "deletions")
    lines = [
        (said(one, int, ways[0]), said(one, int, ways[1]), said(one, str, "filename"))
        for one in files
    ]
    return change_facts(paths, lines)


def _uncounted(one: Any) -> bool:
    """Whether GitHub counts no lines of a file that it takes for binary.

    One NUL or the repository's own attributes make it so: that must not look like a small change.
    """
    counted = said(one, int, "changes") > 0 or "patch" in one
    same = said(one, str, "status") in {"renamed", "unchanged"} or one.get("sha") == _EMPTY_FILE
    return not (counted or same)
