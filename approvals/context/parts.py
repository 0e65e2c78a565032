"""A forge is read in parts: only those with facts that people want it to tell, side by side.

What the rest says comes from elsewhere, as the facts of a commit from the portal's own mirror.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from approvals.context.connected import BadSetting, ConnectedSource, Field, HasSettings
from approvals.context.fetch import Fetch, NotAllowed, NotThere
from approvals.context.forge import (
    NO_COMMIT,
    OF_BRANCH,
    Repository,
    Values,
    about_branch,
    side_by_side,
)
from approvals.context.source import Question, SourceFailed
from policies.language.facts import Unknown
from policies.language.schema import facts_given

R = TypeVar("R", bound=Repository)

FORGE = ("git", "ci", "pr", "deployment")
FACTS = Field(
    "facts",
    "Facts",
    help="Groups of facts, or names of single ones, that it tells. What is left out comes "
    "from elsewhere: of git, from the portal's own mirror of the repository.",
    default=" ".join(FORGE),
)
STARTED = "ci.started_by"
OF_CHANGE = frozenset(
    {
        "git.paths",
        "git.files_changed",
        "git.insertions",
        "git.deletions",
        "git.diff_lines",
        "git.stat",
        "git.commits",
        "git.authors",
        "git.author_ids",
        "git.committer_ids",
        "git.author_accounts",
    }
)


@dataclass(frozen=True)
class Part:
    """Facts that are read together; `what` must be shown to the portal for that."""

    names: frozenset[str]
    what: str
    read: Callable[[], Values]


def wanted(settings: Mapping[str, Any]) -> frozenset[str]:
    """Names of the facts that the setting `facts` wants told."""
    words = set(str(settings["facts"]).split())
    return frozenset(fact.name for fact in facts_given(FORGE) if {fact.group, fact.name} & words)


def check_wanted(title: str, settings: Mapping[str, Any]) -> None:
    """Raise BadSetting for a word of `facts` that no forge tells anything about."""
    for word in settings["facts"].split():
        if not wanted({"facts": word}):
            raise BadSetting("facts", f"{title} tells no facts “{word}”.")


def of_group(group: str) -> frozenset[str]:
    """Names of all facts of a group."""
    return frozenset(fact.name for fact in facts_given((group,)))


def no_run(title: str) -> Unknown:
    """What is said of who started the run where the forge does not tell; nothing waits for it."""
    return Unknown(f"{title} shows no such run for this commit to these credentials", "absent")


def not_shown(title: str, what: str) -> str:
    """What is said where credentials do not show something that is to be told."""
    return f"{title} does not show {what} to these credentials: grant that, or leave its facts out"


def read_parts(title: str, parts: Iterable[Part], names: frozenset[str]) -> Values:
    """What those parts say that have some of `names`, asked at the same time.

    Raises SourceFailed with what the first of them raised, or with what is not shown to them.
    """
    asked = [partial(_read, title, part) for part in parts if part.names & names]
    return side_by_side(*asked)


def _read(title: str, part: Part) -> Values:
    try:
        return part.read()
    except (NotAllowed, NotThere):
        raise SourceFailed(not_shown(title, part.what)) from None


class ForgeSource(ConnectedSource, Generic[R]):
    """Reads commits, checks, what brought them, and deployments of one repository; never writes."""

    gives = FORGE
    budget = 10.0
    time_to_live = timedelta(seconds=30)
    silence = "the request names no commit by its whole id"
    whole_id: ClassVar[re.Pattern[str]]

    @abstractmethod
    def repository(self, fetch: Fetch) -> R:
        """The repository that is asked. Raises SourceFailed where nothing can be asked."""

    @abstractmethod
    def about(self, repository: R, commit: str) -> Values | None:
        """The commit itself, or None where there is none of this id. Raises SourceFailed."""

    @abstractmethod
    def deployment(self, repository: R, place: str, question: Question) -> Values:
        """`deployment.*` of what the forge calls `place`."""

    @abstractmethod
    def of_commit(self, repository: R, question: Question, ignored: str) -> Iterator[Part]:
        """What can be asked about a commit that is there, but for itself and the branch."""

    @abstractmethod
    def account(self, repository: R, login: str) -> tuple[int, str] | None:
        """Number and name of the account at the forge that is called so. Raises SourceFailed."""

    @abstractmethod
    def keys(self, repository: R, number: int, login: str) -> list[str]:
        """The SSH keys that the forge publishes for an account, as lines. Raises SourceFailed."""

    def clean(self, settings: Mapping[str, Any]) -> None:
        check_wanted(self.title, settings)

    def names(self, connection: HasSettings) -> frozenset[str]:
        return wanted(connection.settings)

    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        repository, names = self.repository(fetch), self.names(fetch)
        found: Values | None = None
        told: Values = {}
        if self.whole_id.fullmatch(question.commit) and names - of_group("deployment"):
            found = self.about(repository, question.commit)
            told = dict.fromkeys(names, NO_COMMIT) if found is None else found
        parts = self._parts(repository, question, fetch.settings, exists=found is not None)
        return {**told, **read_parts(self.title, parts, names)}

    def _parts(
        self, repository: R, question: Question, settings: Mapping[str, Any], *, exists: bool
    ) -> Iterator[Part]:
        """What can be asked about the request, of a commit that is there or not."""
        commit, branch = question.commit, question.branch
        place = settings["environment"] or question.environment
        deployed = partial(self.deployment, repository, place, question)
        yield Part(of_group("deployment"), "deployments", deployed)
        if self.whole_id.fullmatch(commit):
            tip = partial(about_branch, repository, branch, commit, exists=exists)
            yield Part(OF_BRANCH, "branches", tip)
        if exists:
            yield from self.of_commit(repository, question, settings["ignore"])
