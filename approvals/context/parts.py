"""A forge is read in parts: only those with facts that people want it to tell, side by side.

What the rest says comes from elsewhere, as the facts of a commit from the portal's own mirror.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from approvals.context.connected import BadSetting, Field
from approvals.context.fetch import NotAllowed, NotThere
from approvals.context.forge import Values, side_by_side
from approvals.context.source import SourceFailed
from policies.language.schema import facts_given

FORGE = ("git", "ci", "pr", "deployment")
FACTS = Field(
    "facts",
    "Facts",
    help="Groups of facts, or names of single ones, that it tells. What is left out comes "
    "from elsewhere: of git, from the portal's own mirror of the repository.",
    default=" ".join(FORGE),
)
OF_BRANCH = frozenset(
    {"git.exists", "git.head", "git.is_head", "git.on_branch", "git.branch_protected"}
)
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
