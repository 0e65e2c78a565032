"""The source that reads one repository at GitHub."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from approvals.context.connected import BadSetting, Field
from approvals.context.fetch import Fetch, NotAllowed, NotThere
from approvals.context.forge import Values, cut, said
from approvals.context.parts import (
    FACTS,
    OF_CHANGE,
    STARTED,
    ForgeSource,
    Part,
    not_shown,
    of_group,
)
from approvals.context.source import Question, SourceFailed
from approvals.context.sources.github.accounts import find_account, published_keys
from approvals.context.sources.github.api import GitHubRepository
from approvals.context.sources.github.change import about_change
from approvals.context.sources.github.checks import about_checks
from approvals.context.sources.github.commit import (
    about_commit,
    find_commit,
    require_repository,
)
from approvals.context.sources.github.deployment import about_deployment
from approvals.context.sources.github.review import about_review
from approvals.context.sources.github.run import about_run

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[1-9][0-9]{0,14}|[A-Za-z0-9-]{1,39}/(?!\.+$)[A-Za-z0-9._-]{1,100}")
_APP = re.compile(r"[A-Za-z0-9.]{1,40}")
_INSTALLATION = re.compile(r"[1-9][0-9]{0,14}")


class GitHubSource(ForgeSource[GitHubRepository]):
    """Reads commits, checks, pull requests and deployments; never writes."""

    name = "github"
    title = "GitHub"
    help = "The commit, its checks, its pull request and the last deployment, of one repository."
    whole_id = _COMMIT
    fields = (
        Field(
            "url",
            "Address of the API",
            "url",
            "Of a GitHub Enterprise Server: https://HOST/api/v3.",
            default="https://api.github.com",
        ),
        Field(
            "repository",
            "Repository id",
            help="Its number. Enter owner/name and test the connection to learn it: nothing else "
            "is read by a name, for it can be given to another repository, the number never.",
        ),
        Field(
            "token",
            "Token",
            "secret",
            "A fine-grained or classic token that may read contents, commit statuses, checks, pull "
            "requests and deployments. Leave it empty to use an App.",
            required=False,
        ),
        Field(
            "app",
            "App",
            help="Client id or number of a GitHub App that may read the same.",
            required=False,
        ),
        Field("installation", "Installation", help="Number of its installation.", required=False),
        Field(
            "private_key",
            "Private key of the App",
            "secret",
            "The whole file that GitHub made.",
            required=False,
            multiline=True,
        ),
        Field(
            "environment",
            "Environment at GitHub",
            help="Its name there, when it is another than here.",
            required=False,
            aside=True,
        ),
        Field(
            "ignore",
            "Checks that do not count",
            "lines",
            "One name on each line, * and ? stand for any characters. Name the job that asks "
            "the portal and those after it: they cannot be over before it is.",
            required=False,
            aside=True,
        ),
        FACTS,
    )

    def clean(self, settings: Mapping[str, Any]) -> None:
        if not _REPOSITORY.fullmatch(settings["repository"]):
            raise BadSetting("repository", "Enter the repository's number, or owner/name.")
        for name, other in (("app", "installation"), ("installation", "app")):
            if settings[name] and not settings[other]:
                raise BadSetting(other, "App and installation belong together.")
        if settings["app"] and not _APP.fullmatch(settings["app"]):
            raise BadSetting("app", "This is no client id and no number of an App.")
        if settings["installation"] and not _INSTALLATION.fullmatch(settings["installation"]):
            raise BadSetting("installation", "Enter the number of the installation.")
        super().clean(settings)

    def check(self, fetch: Fetch) -> str:
        repository = _asked(fetch)
        found = require_repository(repository)
        name, number = cut(said(found, str, "full_name"), 200), said(found, int, "id")
        if repository.number is None:
            raise SourceFailed(f"{name} is repository {number}: enter that number, then it is read")
        hidden = _hidden(repository, self.names(fetch))
        if hidden:
            raise SourceFailed(f"it finds {name}, but {not_shown(self.title, ', '.join(hidden))}")
        return f"It finds {name}, repository {number}, and sees everything that it is to tell."

    def repository(self, fetch: Fetch) -> GitHubRepository:
        repository = _asked(fetch)
        if repository.number is None:
            raise SourceFailed("its repository is a name: test the connection to learn the number")
        return repository

    def account(self, repository: GitHubRepository, login: str) -> tuple[int, str] | None:
        return find_account(repository, login)

    def keys(self, repository: GitHubRepository, number: int, login: str) -> list[str]:
        return published_keys(repository, number, login)

    def about(self, repository: GitHubRepository, commit: str) -> Values | None:
        found = find_commit(repository, commit)
        return None if found is None else about_commit(found)

    def deployment(self, repository: GitHubRepository, place: str, question: Question) -> Values:
        return about_deployment(repository, place, question.commit, question.now)

    def of_commit(
        self, repository: GitHubRepository, question: Question, ignored: str
    ) -> Iterator[Part]:
        commit, branch = question.commit, question.branch
        running = question.history.running_commit
        yield Part(OF_CHANGE, "commits", lambda: about_change(repository, commit, running))
        yield Part(
            of_group("pr"), "pull requests", lambda: about_review(repository, commit, branch)
        )
        checks = of_group("ci") - {STARTED}
        yield Part(checks, "checks", lambda: about_checks(repository, commit, ignored))
        started = frozenset({STARTED})
        yield Part(started, "runs", lambda: about_run(repository, commit, question.run))


def _asked(fetch: Fetch) -> GitHubRepository:
    """The repository by number or by name. Raises SourceFailed without anything to ask it with."""
    needed = "private_key" if fetch.settings["app"] else "token"
    if needed not in fetch.secrets:
        raise SourceFailed("enter a token, or App, installation and the App's private key")
    return GitHubRepository(fetch)


def _hidden(repository: GitHubRepository, names: frozenset[str]) -> list[str]:
    """What its credentials do not show of what is to be told."""
    try:
        listed = said(repository.get("commits", [("per_page", "1")]), list)
    except (NotAllowed, NotThere):
        return ["commits"]
    commit = said(listed[0], str, "sha") if listed else ""
    probes = (
        ("ci", "checks", f"commits/{commit}/check-runs"),
        ("ci", "commit statuses", f"commits/{commit}/status"),
        ("pr", "pull requests", "pulls"),
        ("deployment", "deployments", "deployments"),
    )
    return [
        what
        for group, what, path in probes
        if of_group(group) & names and not repository.shows(path)
    ]
