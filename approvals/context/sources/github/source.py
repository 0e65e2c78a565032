"""The source that reads one repository at GitHub."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from approvals.context.connected import BadSetting, ConnectedSource, Field, HasSettings
from approvals.context.fetch import Fetch, NotAllowed, NotThere
from approvals.context.forge import NO_COMMIT, Values, cut, said
from approvals.context.parts import (
    FACTS,
    FORGE,
    OF_BRANCH,
    OF_CHANGE,
    Part,
    check_wanted,
    not_shown,
    of_group,
    read_parts,
    wanted,
)
from approvals.context.source import Question, SourceFailed
from approvals.context.sources.github.api import GitHubRepository
from approvals.context.sources.github.change import about_change
from approvals.context.sources.github.checks import about_checks
from approvals.context.sources.github.commit import (
    about_branch,
    about_commit,
    find_commit,
    require_repository,
)
from approvals.context.sources.github.deployment import about_deployment
from approvals.context.sources.github.review import about_review

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[1-9][0-9]{0,14}|[A-Za-z0-9-]{1,39}/(?!\.+$)[A-Za-z0-9._-]{1,100}")
_APP = re.compile(r"[A-Za-z0-9.]{1,40}")
_INSTALLATION = re.compile(r"[1-9][0-9]{0,14}")


class GitHubSource(ConnectedSource):
    """Reads commits, checks, pull requests and deployments; never writes."""

    name = "github"
    title = "GitHub"
    help = "The commit, its checks, its pull request and the last deployment, of one repository."
    gives = FORGE
    budget = 10.0
    time_to_live = timedelta(seconds=30)
    silence = "the request names no commit by its whole id"
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
        check_wanted(self.title, settings)

    def names(self, connection: HasSettings) -> frozenset[str]:
        return wanted(connection.settings)

    def check(self, fetch: Fetch) -> str:
        repository = _repository(fetch)
        found = require_repository(repository)
        name, number = cut(said(found, str, "full_name"), 200), said(found, int, "id")
        if repository.number is None:
            raise SourceFailed(f"{name} is repository {number}: enter that number, then it is read")
        hidden = _hidden(repository, self.names(fetch))
        if hidden:
            raise SourceFailed(f"it finds {name}, but {not_shown(self.title, ', '.join(hidden))}")
        return f"It finds {name}, repository {number}, and sees everything that it is to tell."

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        repository, names = _repository(fetch), self.names(fetch)
        if repository.number is None:
            raise SourceFailed("its repository is a name: test the connection to learn the number")
        found: Any = None
        told: Values = {}
        if _COMMIT.fullmatch(question.commit) and names - of_group("deployment"):
            found = find_commit(repository, question.commit)
            told = dict.fromkeys(names, NO_COMMIT) if found is None else about_commit(found)
        parts = _parts(repository, question, fetch.settings, exists=found is not None)
        return {**told, **read_parts(self.title, parts, names)}


def _parts(
    repository: GitHubRepository, question: Question, settings: Mapping[str, Any], *, exists: bool
) -> Iterator[Part]:
    """What can be asked about the request, of a commit that is there or not."""
    commit, branch = question.commit, question.branch
    place = settings["environment"] or question.environment
    yield Part(
        of_group("deployment"),
        "deployments",
        lambda: about_deployment(repository, place, commit, question.now),
    )
    if _COMMIT.fullmatch(commit):
        yield Part(
            OF_BRANCH,
            "branches",
            lambda: about_branch(repository, branch, commit, exists=exists),
        )
    if exists:
        running, ignored = question.history.running_commit, settings["ignore"]
        yield Part(OF_CHANGE, "commits", lambda: about_change(repository, commit, running))
        yield Part(
            of_group("pr"), "pull requests", lambda: about_review(repository, commit, branch)
        )
        yield Part(of_group("ci"), "checks", lambda: about_checks(repository, commit, ignored))


def _repository(fetch: Fetch) -> GitHubRepository:
    """The repository that is asked. Raises SourceFailed where there is nothing to ask it with."""
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
        if of_group(group) & names and not _shown(repository, path)
    ]


def _shown(repository: GitHubRepository, path: str) -> bool:
    try:
        repository.get(path, [("per_page", "1")])
    except (NotThere, NotAllowed):
        return False
    return True
