"""The commit itself and the project's branch, as GitLab has them."""

from typing import Any, Literal
from urllib.parse import quote

from approvals.context.fetch import NotThere
from approvals.context.forge import (
    NO_BRANCH,
    Values,
    commit_facts,
    cut,
    said,
    signature_facts,
    time_facts,
)
from approvals.context.parts import OF_BRANCH
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


def about_branch(project: GitLabProject, branch: str, commit: str, *, exists: bool) -> Values:
    """The tip of the project's branch, and where the commit stands to it."""
    found = _branch(project, branch)
    if found is None:
        facts: Values = dict.fromkeys(OF_BRANCH, NO_BRANCH)
        return {**facts, "git.exists": exists and _is_here(project, commit)}
    head = said(found, str, "commit", "id")
    reached = exists and is_ancestor(project, commit, head)
    return {
        "git.head": head,
        "git.is_head": head == commit,
        "git.on_branch": reached,
        "git.branch_protected": said(found, bool, "protected"),
        "git.exists": reached or (exists and _is_here(project, commit)),
    }


def _branch(project: GitLabProject, branch: str) -> Any | None:
    if not branch.strip("."):
        return None  # as a part of an address it would lead elsewhere
    try:
        found = project.get(f"repository/branches/{quote(branch, safe='')}")
    except NotThere:
        return None
    if said(found, str, "name") != branch:
        raise SourceFailed("GitLab answers about another branch")
    return found


def _is_here(project: GitLabProject, commit: str) -> bool:
    """Whether a branch has the commit: GitLab finds those of forks' merge requests as well."""
    branches = [("type", "branch"), ("per_page", "1")]
    return bool(said(project.get(f"repository/commits/{commit}/refs", branches), list))


def is_ancestor(project: GitLabProject, commit: str, other: str) -> bool:
    """Whether `other` has `commit` in its history, or is it; both are whole ids."""
    if commit == other:
        return True
    try:
        asked = [("refs[]", commit), ("refs[]", other)]
        shared = project.get("repository/merge_base", asked, lasting=True)
    except NotThere:
        return False  # they have nothing in common
    return said(shared, str, "id") == commit
