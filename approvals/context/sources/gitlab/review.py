"""The merge request that brought a commit, and what its reviewers said."""

from typing import Any

from approvals.context.fetch import NotThere
from approvals.context.forge import TooMany, Values, cut, moment, said, whole_group
from approvals.context.sources.gitlab.api import GitLabProject, account
from policies.language.facts import Unknown

MOST = 300
NO_TIMES = Unknown(
    "this GitLab does not say when people approved, so whether they saw the last push", "absent"
)
NO_REVIEWERS = Unknown("this GitLab does not say what reviewers asked for", "absent")
TOO_MANY = Unknown(f"there are {MOST} or more to read", "absent")


def about_review(project: GitLabProject, commit: str, branch: str) -> Values:
    """`pr.*` of the merge request into `branch` that brought the commit."""
    try:
        found = _brought(project, commit, branch)
        if isinstance(found, Unknown):
            return whole_group("pr", found)
        return {**_about(found), **_reviews(project, found)}
    except TooMany:
        return whole_group("pr", TOO_MANY)


def _brought(project: GitLabProject, commit: str, branch: str) -> Any:
    """The first that was merged with it; else the one that is open with it as its last commit."""
    listed = project.every(f"repository/commits/{commit}/merge_requests", most=MOST)
    ours = [
        one
        for one in listed
        if said(one, str, "target_branch") == branch
        and said(one, int, "target_project_id") == project.number
    ]
    merged = [one for one in ours if said(one, str, "state") == "merged"]
    if merged:
        return min(merged, key=lambda one: moment(one, "merged_at"))
    opened = [
        one for one in ours if one["state"] in {"opened", "locked"} and one.get("sha") == commit
    ]
    if len(opened) == 1:
        return opened[0]
    if opened:
        return Unknown("several open merge requests have this commit", "absent")
    return Unknown("no merge request into the project's branch brought this commit", "absent")


def _about(one: Any) -> Values:
    return {
        "pr.number": said(one, int, "iid"),
        "pr.title": cut(said(one, str, "title")),
        "pr.author": account(said(one, int, "author", "id")),
        "pr.merged": said(one, str, "state") == "merged",
        "pr.base": said(one, str, "target_branch"),
        "pr.labels": said(one, list, "labels"),
        "pr.url": cut(said(one, str, "web_url")),
    }


def _reviews(project: GitLabProject, one: Any) -> Values:
    """Approvals after the last push, requests for changes, and both together."""
    below, author = f"merge_requests/{said(one, int, 'iid')}", said(one, int, "author", "id")
    said_of_it = project.get(f"{below}/approvals")
    given = said(said_of_it, list, "approved_by")
    approvers = _approvers(project, below, given, author)
    requested, waiting = _requested(project, below)
    return {
        "pr.approvers": approvers,
        "pr.approvals": approvers if isinstance(approvers, Unknown) else len(approvers),
        "pr.changes_requested": requested,
        "pr.review_state": _together(
            approvers, requested, whole=bool(said_of_it.get("approved")), given=len(given),
            waiting=waiting,
        ),
    }  # fmt: skip


def _approvers(
    project: GitLabProject, below: str, given: list[Any], author: int
) -> list[str] | Unknown:
    """Everybody but its author whose approval is younger than the last push."""
    if not given:
        return []
    if any(not isinstance(one, dict) or not one.get("approved_at") for one in given):
        return NO_TIMES
    versions = project.every(f"{below}/versions", most=MOST)
    if not versions:
        return Unknown("GitLab does not say when it was pushed to last", "absent")
    pushed_at = max(moment(one, "created_at") for one in versions)
    people = {
        said(one, int, "user", "id") for one in given if moment(one, "approved_at") > pushed_at
    }
    return [account(number) for number in sorted(people - {author})]


def _requested(project: GitLabProject, below: str) -> tuple[list[str] | Unknown, bool]:
    """Who asks for changes, and whether any reviewer is named."""
    try:
        reviewers = project.every(f"{below}/reviewers", most=MOST)
    except NotThere:
        return NO_REVIEWERS, False
    asking = {
        said(one, int, "user", "id")
        for one in reviewers
        if said(one, str, "state") == "requested_changes"
    }
    return [account(number) for number in sorted(asking)], bool(reviewers)


def _together(
    approvers: list[str] | Unknown,
    requested: list[str] | Unknown,
    *,
    whole: bool,
    given: int,
    waiting: bool,
) -> str | Unknown:
    """`whole`: GitLab's own rules are satisfied, by `given` approvals, old ones included."""
    if isinstance(requested, Unknown):
        return requested
    if requested:
        return "changes_requested"
    if isinstance(approvers, Unknown):
        return approvers
    if approvers and whole and len(approvers) == given:
        return "approved"
    return "pending" if given or waiting else "none"
