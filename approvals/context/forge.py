"""What sources that read a forge have in common: the same facts under the same names.

Answers of a forge are JSON written elsewhere: `said` takes what is of the documented form out of
them and fails with a sentence on anything else.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import quote

from django.db import connections

from approvals.context.fetch import NotAllowed, NotThere
from approvals.context.listed import check_lines, stat_lines
from approvals.context.people import NO_ADDRESS, address
from approvals.context.source import SourceFailed
from policies.language.facts import Unknown
from policies.language.schema import facts_given
from portal.kernel.clock import rfc3339

T = TypeVar("T", str, bool, int, list[Any], dict[str, Any])
Values = dict[str, object | None]
Params = Sequence[tuple[str, str]]

PAGE = 100  # the most that a forge gives at once
MOST_TEXT = 4_000
MOST_NAME = 255
MOST_AT_ONCE = 6  # parts of one reading
OF_BRANCH = frozenset(
    {"git.exists", "git.head", "git.is_head", "git.on_branch", "git.branch_protected"}
)
NO_COMMIT = Unknown("the repository does not have this commit", "absent")
NO_BRANCH = Unknown("the repository does not have the project's branch", "absent")
NO_TIME = Unknown("the commit names no time that can be", "absent")
UNCHECKED = Unknown("the signature could not be checked", "absent")
FIRST = Unknown("nothing that the forge knows runs there now, to compare with", "absent")
NOT_SHOWN = Unknown("the forge shows not all changed lines", "absent")
NOT_LISTED = Unknown("the forge lists not all changed files", "absent")


class TooMany(Exception):
    """There is more than may be read; a part would say something else than the whole."""


class Repository(ABC):
    """One repository at a forge; what is asked stands below its address.

    It is asked by its number: a name can be given to another repository. `tip` is what the forge
    calls the id of a branch's last commit, `branches` where its branches are.
    """

    tip: ClassVar[str]
    branches: ClassVar[str] = "branches"

    @abstractmethod
    def get(self, path: str = "", params: Params = (), *, lasting: bool = False) -> Any:
        """The JSON at `path`; `lasting`: it never changes.

        Raises NotThere, Refused, SourceFailed.
        """

    @abstractmethod
    def reaches(self, head: str, commit: str) -> bool:
        """Whether `head` has `commit` in its history, or is it; both are whole ids."""

    @abstractmethod
    def has(self, commit: str) -> bool | Unknown:
        """Whether a branch has the commit: a forge finds those of forks as well."""

    def every(
        self, path: str, params: Params = (), *, of: str = "", most: int, lasting: bool = False
    ) -> list[Any]:
        """All of a list, page after page; `of`: where each page has it, beside how many there are.

        Raises TooMany for more than `most`, and as `get` does.
        """
        found: list[Any] = []
        while True:
            number = len(found) // PAGE + 1
            paged = [*params, ("per_page", str(PAGE)), ("page", str(number))]
            answer = self.get(path, paged, lasting=lasting)
            page = said(answer, list, of) if of else said(answer, list)
            found += page
            if len(page) > PAGE:
                raise SourceFailed("its answer has more on a page than was asked for")
            if len(page) < PAGE:
                break
            if len(found) >= most:
                raise TooMany
        if of and len(found) != said(answer, int, "total_count"):
            raise SourceFailed("its answer changed while it was read")
        return found

    def shows(self, path: str) -> bool:
        """Whether its credentials see what is at `path`."""
        try:
            self.get(path, [("per_page", "1")])
        except (NotThere, NotAllowed):
            return False
        return True

    def branch(self, name: str) -> Any | None:
        """What the forge says of the branch of exactly this name, or None."""
        if not name.strip("."):
            return None  # as a part of an address it would lead elsewhere
        try:
            found = self.get(f"{self.branches}/{quote(name, safe='')}")
        except NotThere:
            return None
        return found if said(found, str, "name") == name else None


def about_branch(repository: Repository, branch: str, commit: str, *, exists: bool) -> Values:
    """The tip of the project's branch, and where the commit stands to it, if it `exists`."""
    found = repository.branch(branch)
    if found is None:
        facts: Values = dict.fromkeys(OF_BRANCH, NO_BRANCH)
        return {**facts, "git.exists": exists and repository.has(commit)}
    head = said(found, str, "commit", repository.tip)
    reached = exists and repository.reaches(head, commit)
    return {
        "git.head": head,
        "git.is_head": head == commit,
        "git.on_branch": reached,
        "git.branch_protected": said(found, bool, "protected"),
        "git.exists": reached or (exists and repository.has(commit)),
    }


def said(answer: Any, kind: type[T], *path: str) -> T:
    """The value at `path`, of this kind. Raises SourceFailed."""
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    if type(answer) is not kind:
        raise SourceFailed(f"its answer has no {'.'.join(path) or kind.__name__} as it should")
    return answer


def moment(answer: Any, *path: str) -> datetime:
    """The time at `path`. Raises SourceFailed."""
    try:
        found = datetime.fromisoformat(said(answer, str, *path))
        if found.tzinfo is None:
            raise ValueError
    except ValueError:
        raise SourceFailed(f"its answer has no time in {'.'.join(path)}") from None
    return found


def cut(text: str, most: int = MOST_TEXT) -> str:
    """Text of somebody outside, not endless."""
    return text if len(text) <= most else f"{text[:most]}…"


def whole_group(group: str, state: Unknown) -> Values:
    """Every fact of a group in the same state."""
    return {fact.name: state for fact in facts_given((group,))}


def commit_facts(author: str, committer: str, message: str) -> Values:
    """Who made a commit, and what they wrote about it."""
    return {
        "git.author": address(author) or NO_ADDRESS,
        "git.committer": address(committer) or NO_ADDRESS,
        "git.subject": cut(message.partition("\n")[0].strip()),
        "git.message": cut(message),
    }


def time_facts(answer: Any, *path: str) -> Values:
    """When a commit was made, at `path`; whoever commits can write any time."""
    try:
        return {"git.committed_at": rfc3339(moment(answer, *path))}
    except (SourceFailed, OverflowError):
        return {"git.committed_at": NO_TIME}


def page_of(answer: Mapping[str, Any], name: str) -> str:
    """The address that an answer may name, else empty."""
    found = answer.get(name)
    return found if isinstance(found, str) else ""


def signature_facts(signature: Literal["good", "bad", "unknown", "none"]) -> Values:
    """What the forge says about the signature of a commit."""
    return {
        "git.signature": signature,
        "git.signed": UNCHECKED if signature == "unknown" else signature == "good",
    }


def change_facts(
    paths: Iterable[str] | Unknown, lines: Sequence[tuple[int, int, str]] | Unknown
) -> Values:
    """What changed: paths, and lines added and removed in each file."""
    files = paths if isinstance(paths, Unknown) else sorted(set(paths))
    if isinstance(lines, Unknown):
        names = ("git.insertions", "git.deletions", "git.diff_lines", "git.stat")
        counted: Values = dict.fromkeys(names, lines)
    else:
        added, removed = sum(add for add, _, _ in lines), sum(take for _, take, _ in lines)
        counted = {
            "git.insertions": added,
            "git.deletions": removed,
            "git.diff_lines": added + removed,
            "git.stat": stat_lines(lines),
        }
    return {
        "git.paths": files,
        "git.files_changed": files if isinstance(files, Unknown) else len(files),
        **counted,
    }


@dataclass(frozen=True)
class Check:
    """One check of a commit. `neutral`: it did not pass, and need not. `page`: its address."""

    name: str
    state: Literal["passed", "failed", "pending", "neutral"]
    page: str = ""


def check_facts(checks: Iterable[Check], ignored: str) -> Values:
    """The checks together, without those whose name a line of `ignored` matches (* and ?)."""
    patterns = [line.strip() for line in ignored.splitlines() if line.strip()]
    counted = [
        check for check in checks if not any(fnmatchcase(check.name, one) for one in patterns)
    ]
    names = {
        state: sorted({cut(check.name, MOST_NAME) for check in counted if check.state == state})
        for state in ("failed", "pending", "passed")
    }
    words = {"failed": "failure", "pending": "pending", "passed": "success"}
    return {
        "ci.state": next((word for state, word in words.items() if names[state]), "none"),
        "ci.failed": names["failed"],
        "ci.pending": names["pending"],
        "ci.passed": names["passed"],
        "ci.total": len(counted),
        "ci.checks": check_lines(
            (check.state, check.page, cut(check.name, MOST_NAME)) for check in counted
        ),
    }


def side_by_side(*parts: Callable[[], Mapping[str, object | None]]) -> Values:
    """What all of them say, asked at the same time. Raises what the first of them raised."""
    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="forge") as pool:
        futures = [pool.submit(_in_thread, part) for part in parts]
    return {name: value for future in futures for name, value in future.result().items()}


def _in_thread(part: Callable[[], Mapping[str, object | None]]) -> Mapping[str, object | None]:
    try:
        return part()
    finally:
        connections.close_all()  # the thread may end: its connection goes back to the pool
