"""The source that reads one repository at GitHub."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from approvals.context.connected import BadSetting, ConnectedSource, Field, HasSettings
from approvals.context.fetch import Fetch, NotAllowed, NotThere
from approvals.context.forge import NO_COMMIT, Values, cut, said, side_by_side
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
from policies.language.schema import facts_given

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[1-9][0-9]{0,14}|[A-Za-z0-9-]{1,39}/(?!\.+$)[A-Za-z0-9._-]{1,100}")
_APP = re.compile(r"[A-Za-z0-9.]{1,40}")
_INSTALLATION = re.compile(r"[1-9][0-9]{0,14}")
Part = Callable[[], Values]
_BRANCH = frozenset(
    {"git.exists", "git.head", "git.is_head", "git.on_branch", "git.branch_protected"}
)
_CHANGE = frozenset(
    {
        "git.paths",
        "git.files_changed",
        "git.insertions",
        "git.deletions",
        "git.diff_lines",
        "git.authors",
        "git.author_ids",
        "git.committer_ids",
    }
)


class GitHubSource(ConnectedSource):
    """Reads commits, checks, pull requests and deployments; never writes."""

    name = "github"
    title = "GitHub"
    help = "The commit, its checks, its pull request and the last deployment, of one repository."
    gives = ("git", "ci", "pr", "deployment")
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
        ),
        Field(
            "ignore",
            "Checks that do not count",
            "lines",
            "One name on each line, * and ? stand for any characters. Name the job that asks "
            "the portal and those after it: they cannot be over before it is.",
            required=False,
        ),
        Field(
            "facts",
            "Facts",
            help="Groups of facts, or names of single ones, that it tells. What is left out comes "
            "from elsewhere: of git, from the portal's own mirror of the repository.",
            default="git ci pr deployment",
        ),
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
        for word in settings["facts"].split():
            known = facts_given((word,))
            if not known or known[0].group not in self.gives:
                raise BadSetting("facts", f"GitHub tells no facts “{word}”.")

    def names(self, connection: HasSettings) -> frozenset[str]:
        words = tuple(str(connection.settings["facts"]).split())
        return frozenset(fact.name for fact in facts_given(words))

    def check(self, fetch: Fetch) -> str:
        repository = _repository(fetch)
        found = require_repository(repository)
        name, number = cut(said(found, str, "full_name"), 200), said(found, int, "id")
        if repository.number is None:
            raise SourceFailed(f"{name} is repository {number}: enter that number, then it is read")
        hidden = _hidden(repository, self.names(fetch))
        if hidden:
            raise SourceFailed(f"it finds {name}, but {_not_shown(', '.join(hidden))}")
        return f"It finds {name}, repository {number}, and sees everything that it is to tell."

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        repository, wanted = _repository(fetch), self.names(fetch)
        if repository.number is None:
            raise SourceFailed("its repository is a name: test the connection to learn the number")
        found: Any = None
        told: Values = {}
        if _COMMIT.fullmatch(question.commit) and wanted - _names("deployment"):
            found = find_commit(repository, question.commit)
            told = dict.fromkeys(wanted, NO_COMMIT) if found is None else about_commit(found)
        parts = _parts(repository, question, fetch.settings, exists=found is not None)
        asked = [_asked(what, part) for names, what, part in parts if names & wanted]
        return {**told, **side_by_side(*asked)}


def _parts(
    repository: GitHubRepository, question: Question, settings: Mapping[str, Any], *, exists: bool
) -> Iterator[tuple[frozenset[str], str, Part]]:
    """What can be asked about the request: the facts it tells, what is read for it, how."""
    commit, branch = question.commit, question.branch
    place = settings["environment"] or question.environment
    yield (
        _names("deployment"),
        "deployments",
        lambda: about_deployment(repository, place, commit, question.now),
    )
    if _COMMIT.fullmatch(commit):
        yield _BRANCH, "branches", lambda: about_branch(repository, branch, commit, exists=exists)
    if exists:
        running = question.history.running_commit
        yield _CHANGE, "commits", lambda: about_change(repository, commit, running)
        yield _names("pr"), "pull requests", lambda: about_review(repository, commit, branch)
        ignored = settings["ignore"]
        yield _names("ci"), "checks", lambda: about_checks(repository, commit, ignored)


def _asked(what: str, part: Part) -> Part:
    """The same, saying what it is that its credentials do not show."""

    def ask() -> Values:
        try:
            return part()
        except (NotAllowed, NotThere):
            raise SourceFailed(_not_shown(what)) from None

    return ask


def _not_shown(what: str) -> str:
    return f"GitHub does not show {what} to these credentials: grant that, or leave its facts out"


def _names(group: str) -> frozenset[str]:
    return frozenset(fact.name for fact in facts_given((group,)))


def _repository(fetch: Fetch) -> GitHubRepository:
    """The repository that is asked. Raises SourceFailed where there is nothing to ask it with."""
    needed = "private_key" if fetch.settings["app"] else "token"
    if needed not in fetch.secrets:
        raise SourceFailed("enter a token, or App, installation and the App's private key")
    return GitHubRepository(fetch)


def _hidden(repository: GitHubRepository, wanted: frozenset[str]) -> list[str]:
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
        if _names(group) & wanted and not _shown(repository, path)
    ]


def _shown(repository: GitHubRepository, path: str) -> bool:
    try:
        repository.get(path, [("per_page", "1")])
    except (NotThere, NotAllowed):
        return False
    return True
