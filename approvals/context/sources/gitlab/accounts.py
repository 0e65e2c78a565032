"""Accounts at GitLab, and the keys that it publishes for them."""

from typing import Any

from approvals.context.forge import moment, said
from approvals.context.sources.gitlab.api import GitLabProject
from portal.kernel.clock import now


def find_account(project: GitLabProject, login: str) -> tuple[int, str] | None:
    """Number and name of the account that is called so now, bots too."""
    listed = project.anywhere("users", [("username", login)])
    named = [one for one in listed if said(one, str, "username").lower() == login.lower()]
    return (said(named[0], int, "id"), said(named[0], str, "username")) if named else None


def published_keys(project: GitLabProject, number: int, login: str) -> list[str]:
    """The SSH keys of the account that it still accepts."""
    listed = project.anywhere(f"users/{number}/keys")
    return [said(one, str, "key") for one in listed if not _is_over(one)]


def _is_over(key: Any) -> bool:
    return bool(key.get("expires_at")) and moment(key, "expires_at") <= now()
