"""The last deployment of an environment, as GitLab keeps them."""

from datetime import datetime
from typing import Any

from approvals.context.forge import Values, moment, said, whole_group
from approvals.context.source import SourceFailed
from approvals.context.sources.gitlab.api import GitLabProject, account
from policies.language.facts import Unknown

LOOK_BACK = 20
_UNHEARD = Unknown("its state has a word that is not known here", "absent")
_NOBODY = Unknown("GitLab does not say who deployed", "absent")
_STATES = {
    "success": "success",
    "failed": "failure",
    "canceled": "failure",
    "created": "pending",
    "running": "pending",
    "blocked": "pending",
    "skipped": "inactive",
}


def about_deployment(
    project: GitLabProject, environment: str, commit: str, now: datetime
) -> Values:
    """`deployment.*`: the newest, but for those of `commit` that have not ended.

    One of them is what the request asks for: GitLab makes it before the job runs that asks.
    """
    asked = [("environment", environment), ("order_by", "id"), ("sort", "desc")]
    listed = said(project.get("deployments", [*asked, ("per_page", str(LOOK_BACK))]), list)
    for one in listed:
        if said(one, str, "environment", "name") != environment:
            raise SourceFailed("GitLab answers about another environment")
        if not _asked_for(one, commit):
            return _about(one, now)
    if len(listed) < LOOK_BACK:
        none = Unknown("nothing was deployed there, as far as GitLab knows", "absent")
        return {**whole_group("deployment", none), "deployment.state": "none"}
    return whole_group("deployment", Unknown("the last ones have not ended", "absent"))


def _asked_for(one: Any, commit: str) -> bool:
    return _STATES.get(said(one, str, "status")) == "pending" and said(one, str, "sha") == commit


def _about(one: Any, now: datetime) -> Values:
    age = now - moment(one, "created_at")
    return {
        "deployment.sha": said(one, str, "sha"),
        "deployment.state": _STATES.get(said(one, str, "status"), _UNHEARD),
        "deployment.age_s": max(0, int(age.total_seconds())),
        "deployment.by": account(said(one, int, "user", "id")) if one.get("user") else _NOBODY,
    }
