"""The checks of a commit: check runs, and the statuses that other systems report."""

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
from approvals.context.sources.github.api import GitHubRepository
from policies.language.facts import Unknown

MOST = 1_000
# What did not run says nothing: GitHub lets it pass for good, and so a check that was skipped.
_NEUTRAL = {"neutral", "skipped"}


def about_checks(repository: GitHubRepository, commit: str, ignored: str) -> Values:
    """`ci.*`: of each check run and status the newest."""
    try:
        runs = repository.every(
            f"commits/{commit}/check-runs", [("filter", "latest")], of="check_runs", most=MOST
        )
        statuses = repository.every(f"commits/{commit}/status", of="statuses", most=MOST)
    except TooMany:
        return whole_group("ci", Unknown(f"the commit has {MOST} checks or more", "absent"))
    return check_facts([*map(_run, runs), *map(_status, statuses)], ignored)


def _run(one: Any) -> Check:
    name, page = said(one, str, "name"), page_of(one, "html_url")
    if said(one, str, "status") != "completed":
        return Check(name, "pending", page)
    conclusion = said(one, str, "conclusion")
    if conclusion == "success":
        return Check(name, "passed", page)
    return Check(name, "neutral" if conclusion in _NEUTRAL else "failed", page)


def _status(one: Any) -> Check:
    name, state = said(one, str, "context"), said(one, str, "state")
    page = page_of(one, "target_url")
    if state == "success":
        return Check(name, "passed", page)
    return Check(name, "pending" if state == "pending" else "failed", page)
