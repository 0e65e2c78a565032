"""The commit itself, as GitHub has it."""

from typing import Any, Literal

from approvals.context.fetch import NotThere, Refused
from approvals.context.forge import Values, commit_facts, cut, said, signature_facts, time_facts
from approvals.context.source import SourceFailed
from approvals.context.sources.github.api import GitHubRepository

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
