"""The checks of a commit: jobs of its pipelines, and what other systems reported."""

from typing import Any

from approvals.context.forge import (
    Check,
    TooMany,
    Values,
    check_facts,
    page_of,
    said,
    whole_group,
)
from approvals.context.sources.gitlab.api import GitLabProject
from policies.language.facts import Unknown

MOST = 1_000
_LEFT_OUT = {"manual", "skipped"}  # nobody started them: they say nothing about the commit
_OVER = {"success", "failed", "canceled"}


def about_checks(project: GitLabProject, commit: str, ignored: str) -> Values:
    """`ci.*`: of each name the newest; what may fail fails nothing."""
    try:
        listed = project.every(
            f"repository/commits/{commit}/statuses", [("order_by", "id")], most=MOST
        )
    except TooMany:
        return whole_group("ci", Unknown(f"the commit has {MOST} checks or more", "absent"))
    newest: dict[str, tuple[int, Any]] = {}
    for one in listed:
        name, number = said(one, str, "name"), said(one, int, "id")
        if name not in newest or newest[name][0] < number:
            newest[name] = (number, one)
    checks = [_check(name, one) for name, (_, one) in sorted(newest.items())]
    return check_facts([check for check in checks if check is not None], ignored)


def _check(name: str, one: Any) -> Check | None:
    status, page = said(one, str, "status"), page_of(one, "target_url")
    if status in _LEFT_OUT:
        return None
    if status == "success":
        return Check(name, "passed", page)
    if status not in _OVER:  # also a word that GitLab does not use yet: it has not passed
        return Check(name, "pending", page)
    return Check(name, "neutral" if said(one, bool, "allow_failure") else "failed", page)
