"""The commit itself and the project's branch, as GitHub has them."""

from typing import Any, Literal
from urllib.parse import quote

from approvals.context.fetch import NotThere, Refused
from approvals.context.forge import (
    NO_BRANCH,
    Values,
    commit_facts,
    cut,
    said,
    signature_facts,
    time_facts,
)
from approvals.context.source import SourceFailed
from approvals.context.sources.github.api import GitHubRepository
from policies.language.facts import Unknown

MAYBE_FORKED = Unknown(
    "it is on no branch that was looked at, and GitHub shows commits of forks as well", "absent"
)
_OF_BRANCH = ("git.head", "git.is_head", "git.on_branch", "git.branch_protected")
_BAD = {"invalid", "malformed_signature", "bad_cert", "ocsp_revoked"}


def require_repository(repository: GitHubRepository) -> Any:
    """What GitHub says of the repository. Raises SourceFailed where it is not shown, either.

    GitHub says 404 for what is not there and for what is not shown.
    """
    try:
        found = repository.get()
    except NotThere:
        raise SourceFailed(
            f"GitHub has no repository {repository.named}, or does not show it to this token"
        ) from None
    if said(found, int, "id") != repository.number and repository.number is not None:
        raise SourceFailed("GitHub answers about another repository")
    return found


def find_commit(repository: GitHubRepository, commit: str) -> Any | None:
    """The commit of exactly this id, or None. Raises SourceFailed."""
    try:
        # Its files come page by page; nobody needs them here.
        found = repository.get(f"commits/{commit}", [("per_page", "1"), ("page", "2")])
    except NotThere:
        require_repository(repository)
        return None
    except Refused as refused:
        if refused.status != 422:  # its word for a commit that is not there
            raise
        return None
    if said(found, str, "sha") != commit:
        raise SourceFailed("GitHub answers about another commit")
    return found


def about_commit(found: Any) -> Values:
    """Its people, words, page and signature; `found` is what `find_commit` found."""
    return {
        **commit_facts(
            email(found, "author"), email(found, "committer"), said(found, str, "commit", "message")
        ),
        **time_facts(found, "commit", "committer", "date"),
        **signature_facts(_signature(found)),
        "git.url": cut(said(found, str, "html_url")),
    }


def email(commit: Any, role: Literal["author", "committer"]) -> str:
    """The e-mail address that stands in a commit; empty where none does."""
    who = said(commit, dict, "commit").get(role)
    return said(who, str, "email") if isinstance(who, dict) and who.get("email") else ""


def _signature(found: Any) -> Literal["good", "bad", "unknown", "none"]:
    """GitHub's word: good only when it is verified, and for the reason that it is valid."""
    verified = said(found, bool, "commit", "verification", "verified")
    reason = said(found, str, "commit", "verification", "reason")
    if verified:
        return "good" if reason == "valid" else "unknown"
    if reason == "unsigned":
        return "none"
    return "bad" if reason in _BAD else "unknown"


def about_branch(repository: GitHubRepository, branch: str, commit: str, *, exists: bool) -> Values:
    """The tip of the project's branch, and where the commit stands to it, if it `exists`."""
    found = _branch(repository, branch)
    if found is None:
        facts: Values = dict.fromkeys(_OF_BRANCH, NO_BRANCH)
        return {**facts, "git.exists": exists and _is_here(repository, commit)}
    head = said(found, str, "commit", "sha")
    reached = exists and _reaches(repository, head, commit)
    return {
        "git.head": head,
        "git.is_head": head == commit,
        "git.on_branch": reached,
        "git.branch_protected": said(found, bool, "protected"),
        "git.exists": reached or (exists and _is_here(repository, commit)),
    }


def _branch(repository: GitHubRepository, branch: str) -> Any | None:
    if not branch.strip("."):
        return None  # as a part of an address it would lead elsewhere
    try:
        found = repository.get(f"branches/{quote(branch, safe='')}")
    except NotThere:
        return None
    return found if said(found, str, "name") == branch else None


def _reaches(repository: GitHubRepository, head: str, commit: str) -> bool:
    """Whether `commit` is an ancestor of `head`, or it; both are whole ids."""
    if head == commit:
        return True
    try:
        # Files are only on the first page, and nobody needs them here.
        compared = repository.get(
            f"compare/{head}...{commit}", [("per_page", "1"), ("page", "2")], lasting=True
        )
    except NotThere:
        return False  # they have nothing in common
    return said(compared, str, "status") in {"behind", "identical"}


def _is_here(repository: GitHubRepository, commit: str) -> bool | Unknown:
    """Whether a branch of this repository has the commit, as far as that can be asked."""
    led = said(repository.get(f"commits/{commit}/branches-where-head"), list)
    return True if led else MAYBE_FORKED
