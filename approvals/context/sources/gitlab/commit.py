"""The commit itself, as GitLab has it."""

from typing import Any, Literal
from urllib.parse import quote

from approvals.context.fetch import NotThere
from approvals.context.forge import Values, commit_facts, cut, said, signature_facts, time_facts
from approvals.context.source import SourceFailed
from approvals.context.sources.gitlab.api import GitLabProject

_SAYS = ("author_email", "committer_email", "message")
_GOOD = {"verified", "verified_system", "verified_ca"}
_BAD = {
    "revoked_key",
    "other_user",
    "same_user_different_email",
    "unverified_author_email",
    "multiple_signatures",
}


def find_commit(project: GitLabProject, commit: str) -> Any | None:
    """The commit of exactly this id, or None; never a branch or tag that is called so.

    Raises SourceFailed, also where the token does not see the project at all.
    """
    try:
        found = project.get(f"repository/commits/{quote(commit, safe='')}", [("stats", "false")])
    except NotThere:
        require_project(project)
        return None
    return found if said(found, str, "id") == commit else None


def require_project(project: GitLabProject) -> Any:
    """What GitLab says of the project. Raises SourceFailed, for a token that does not see it too.

    GitLab says 404 for a commit that is not there and for a project that is not shown.
    """
    try:
        found = project.get()
    except NotThere:
        raise SourceFailed(
            f"GitLab has no project {project.number}, or does not show it to this token"
        ) from None
    if said(found, int, "id") != project.number:
        raise SourceFailed("GitLab answers about another project")
    return found


def about_commit(found: Any) -> Values:
    """Its people, words and page; `found` is what `find_commit` found."""
    return {
        **commit_facts(*(said(found, str, name) for name in _SAYS)),
        **time_facts(found, "committed_date"),
        "git.url": cut(said(found, str, "web_url")),
    }


def about_signature(project: GitLabProject, commit: str) -> Values:
    """What GitLab says about its signature."""
    return signature_facts(_signature(project, commit))


def _signature(project: GitLabProject, commit: str) -> Literal["good", "bad", "unknown", "none"]:
    try:
        found = project.get(f"repository/commits/{commit}/signature")
    except NotThere:
        return "none"
    status = said(found, str, "verification_status")
    if status in _GOOD:
        return "good"
    return "bad" if status in _BAD else "unknown"
