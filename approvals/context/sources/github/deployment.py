"""The last deployment of an environment, as GitHub keeps them."""

from datetime import datetime
from typing import Any

from approvals.context.forge import PAGE, Values, moment, said, whole_group
from approvals.context.source import SourceFailed
from approvals.context.sources.github.api import GitHubRepository, account
from policies.language.facts import Unknown

LOOK_BACK = 10
_STATES = {
    "success": "success",
    "failure": "failure",
    "error": "failure",
    "inactive": "inactive",
    "pending": "pending",
    "queued": "pending",
    "in_progress": "pending",
    "waiting": "pending",
}
NOBODY = Unknown("the account that deployed is gone", "absent")
UNHEARD = Unknown("its state has a word that is not known here", "absent")


def about_deployment(
    repository: GitHubRepository, environment: str, commit: str, now: datetime
) -> Values:
    """`deployment.*`: the newest, but for those of `commit` that have not ended.

    One of them is what the request asks for: GitHub makes it before the job runs that asks.
    """
    asked = [("environment", environment), ("per_page", str(PAGE))]
    listed = said(repository.get("deployments", asked), list)
    newest = sorted(listed, key=lambda one: (moment(one, "created_at"), said(one, int, "id")))
    for one in newest[: -LOOK_BACK - 1 : -1]:
        if said(one, str, "environment").casefold() != environment.casefold():
            raise SourceFailed("GitHub answers about another environment")
        state = _state(repository, said(one, int, "id"))
        if state != "pending" or said(one, str, "sha") != commit:
            return _about(one, state, now)
    if len(listed) < LOOK_BACK:
        none = Unknown("nothing was deployed there, as far as GitHub knows", "absent")
        return {**whole_group("deployment", none), "deployment.state": "none"}
    return whole_group("deployment", Unknown("the last ones have not ended", "absent"))


def _state(repository: GitHubRepository, number: int) -> str | Unknown:
    """Of its statuses the last; pending where it has none yet."""
    listed = said(repository.get(f"deployments/{number}/statuses", [("per_page", str(PAGE))]), list)
    if not listed:
        return "pending"
    last = max(listed, key=lambda one: (moment(one, "created_at"), said(one, int, "id")))
    return _STATES.get(said(last, str, "state"), UNHEARD)


def _about(one: Any, state: str | Unknown, now: datetime) -> Values:
    age = now - moment(one, "created_at")
    return {
        "deployment.sha": said(one, str, "sha"),
        "deployment.state": state,
        "deployment.age_s": max(0, int(age.total_seconds())),
        "deployment.by": account(one.get("creator")) or NOBODY,
    }
