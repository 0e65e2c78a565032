"""The pull request that brought a commit, and what its reviewers said."""

from collections.abc import Mapping
from typing import Any

from approvals.context.forge import TooMany, Values, cut, moment, said, whole_group
from approvals.context.sources.github.api import GitHubRepository, account
from policies.language.facts import Unknown

MOST = 300
TOO_MANY = Unknown(f"there are {MOST} or more to read", "absent")
NONE = Unknown("no pull request into the project's branch brought this commit", "absent")
SEVERAL = Unknown("several open pull requests have this commit", "absent")
NAMELESS = Unknown("its reviews are partly by accounts that are gone", "absent")
# Everybody may review in a public repository; these belong to the repository.
_OURS = {"OWNER", "MEMBER", "COLLABORATOR"}
_SETTLING = {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}  # a comment leaves a review as it is


def about_review(repository: GitHubRepository, commit: str, branch: str) -> Values:
    """`pr.*` of the pull request into `branch` that brought the commit."""
    try:
        found = _brought(repository, commit, branch)
        if isinstance(found, Unknown):
            return whole_group("pr", found)
        number = said(found, int, "number")
        reviews = repository.every(f"pulls/{number}/reviews", most=MOST)
    except TooMany:
        return whole_group("pr", TOO_MANY)
    return {**_about(found), **_together(found, _last(reviews))}


def _brought(repository: GitHubRepository, commit: str, branch: str) -> Any:
    """The first that was merged with it; else the one that is open with it as its last commit."""
    listed = repository.every(f"commits/{commit}/pulls", most=MOST)
    ours = [
        one
        for one in listed
        if said(one, str, "base", "ref") == branch
        and said(one, int, "base", "repo", "id") == repository.number
    ]
    merged = [one for one in ours if one.get("merged_at")]
    if merged:
        return min(merged, key=lambda one: moment(one, "merged_at"))
    opened = [
        one
        for one in ours
        if said(one, str, "state") == "open" and said(one, str, "head", "sha") == commit
    ]
    if len(opened) == 1:
        return opened[0]
    return SEVERAL if opened else NONE


def _about(one: Any) -> Values:
    return {
        "pr.number": said(one, int, "number"),
        "pr.title": cut(said(one, str, "title")),
        "pr.author": account(one.get("user")) or Unknown("its author's account is gone", "absent"),
        "pr.merged": bool(one.get("merged_at")),
        "pr.base": said(one, str, "base", "ref"),
        "pr.labels": [said(label, str, "name") for label in said(one, list, "labels")],
        "pr.url": cut(said(one, str, "html_url")),
    }


def _last(reviews: list[Any]) -> Mapping[str | None, Any]:
    """Of each person of the repository the last review that says yes or no; by account."""
    last: dict[str | None, Any] = {}
    settling = [one for one in reviews if said(one, str, "state") in _SETTLING]
    for one in sorted(
        settling, key=lambda one: (moment(one, "submitted_at"), said(one, int, "id"))
    ):
        user = one.get("user")
        if user is None or said(user, str, "type") != "Bot":
            last[account(user)] = one
    return last


def _together(found: Any, last: Mapping[str | None, Any]) -> Values:
    """Who approves its last commit, who asks for changes, and both together."""
    head, author = said(found, str, "head", "sha"), account(found.get("user"))
    if None in last:
        nameless = ("pr.approvers", "pr.approvals", "pr.changes_requested", "pr.review_state")
        return dict.fromkeys(nameless, NAMELESS)
    asking = sorted(
        name for name, one in last.items() if name and one["state"] == "CHANGES_REQUESTED"
    )
    approving = sorted(
        name
        for name, one in last.items()
        if name
        and name != author
        and one["state"] == "APPROVED"
        and one.get("commit_id") == head
        and one.get("author_association") in _OURS
    )
    waits = last or found.get("requested_reviewers") or found.get("requested_teams")
    return {
        "pr.approvers": approving,
        "pr.approvals": len(approving),
        "pr.changes_requested": asking,
        "pr.review_state": (
            "changes_requested"
            if asking
            else "approved"
            if approving
            else "pending"
            if waits
            else "none"
        ),
    }
