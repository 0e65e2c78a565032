"""Accounts at GitHub, and the keys that it publishes for them."""

from urllib.parse import quote

from approvals.context.fetch import NotThere
from approvals.context.forge import said
from approvals.context.source import SourceFailed
from approvals.context.sources.github.api import GitHubRepository


def find_account(repository: GitHubRepository, login: str) -> tuple[int, str] | None:
    """Number and name of the account that is called so now, bots and organisations too."""
    try:
        found = repository.anywhere(f"users/{quote(login, safe='')}")
    except NotThere:
        return None
    return said(found, int, "id"), said(found, str, "login")


def published_keys(repository: GitHubRepository, number: int, login: str) -> list[str]:
    """The SSH keys of the account. Raises SourceFailed, also where it is called otherwise now.

    GitHub gives keys by a name, and the name of a renamed account to whoever wants it: so the
    number is looked at after the keys were read.
    """
    listed = repository.anywhere(f"users/{quote(login, safe='')}/keys")
    try:
        found = repository.anywhere(f"user/{number}")
    except NotThere:
        found = None
    if found is None or said(found, int, "id") != number or said(found, str, "login") != login:
        raise SourceFailed("the account has another name now: begin again with that")
    return [said(one, str, "key") for one in listed]
