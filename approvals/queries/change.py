"""The change of a request: its files with the risky ones first, and its commits."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from approvals.queries.risky import Named, named_paths, place_of
from approvals.queries.values import SHOWN_TEXT
from policies.language.facts import Facts, FactState, Known, Unknown

T = TypeVar("T")

MOST_SHOWN = 8  # of either list; the rest can be opened


@dataclass(frozen=True)
class ChangedFile:
    """One file; `added` is None where its lines are not known. `why` it should be looked at first:
    a kind of place, `rule` where a policy names it, or empty."""

    path: str
    added: int | None
    removed: int | None
    why: str
    rule: str


@dataclass(frozen=True)
class CommitLine:
    """One commit since what runs there now."""

    id: str
    author: str
    subject: str


@dataclass(frozen=True)
class Change:
    """Files and commits: the first ones, and the others that are opened, with those whose text is
    too long to be read through. `state` is known, reading
    or unknown; `no_files` and `no_commits` say why there is no list of them."""

    state: str
    files: list[ChangedFile]
    more_files: list[ChangedFile]
    risky: int
    commits: list[CommitLine]
    more_commits: list[CommitLine]
    people: int
    no_files: str
    no_commits: str

    @property
    def count(self) -> int:
        """All of its files."""
        return len(self.files) + len(self.more_files)

    @property
    def commit_count(self) -> int:
        """All of its commits."""
        return len(self.commits) + len(self.more_commits)


_ABSENT = Unknown("", "absent")
_BEING_READ = Change("reading", [], [], 0, [], [], 0, "", "")


def change_of(facts: Facts, explanation: Iterable[Mapping[str, Any]]) -> Change | None:
    """None where nobody is asked about the change at all."""
    stat, paths, log = (facts.get(f"git.{name}", _ABSENT) for name in ("stat", "paths", "commits"))
    shown = stat if isinstance(stat, Known) else paths
    if isinstance(shown, Unknown) and isinstance(log, Unknown):
        return _BEING_READ if shown.kind == "pending" else None
    files = _sorted(_files(stat, paths), named_paths(explanation))
    commits = [CommitLine(*line) for text in _items(log) if (line := _parts(text))]
    risky = sum(1 for file in files if file.why)
    first, others = _parted(files, max(MOST_SHOWN, min(risky, 3 * MOST_SHOWN)), _path)
    newest, earlier = _parted(commits, MOST_SHOWN, _words)
    return Change(
        state="known",
        files=first,
        more_files=others,
        risky=risky,
        commits=newest,
        more_commits=earlier,
        people=len({commit.author for commit in commits}),
        no_files=_why_not(shown),
        no_commits=_why_not(log),
    )


def _parted(lines: list[T], most: int, text: Callable[[T], str]) -> tuple[list[T], list[T]]:
    """The first `most` that people can read through, and the others: nothing is cut, so that
    whoever opens those has seen all."""
    short = [n for n, one in enumerate(lines) if len(text(one)) <= SHOWN_TEXT]
    chosen = set(short[:most])
    return (
        [one for n, one in enumerate(lines) if n in chosen],
        [one for n, one in enumerate(lines) if n not in chosen],
    )


def _path(file: ChangedFile) -> str:
    return file.path


def _words(commit: CommitLine) -> str:
    return f"{commit.author}{commit.subject}"


def _files(stat: FactState, paths: FactState) -> list[ChangedFile]:
    if isinstance(stat, Known):
        lines = [line for text in _items(stat) if (line := _parts(text))]
        return [
            ChangedFile(path, int(add), int(remove), "", "")
            for add, remove, path in lines
            if add.isdecimal() and remove.isdecimal()
        ]
    return [ChangedFile(path, None, None, "", "") for path in _items(paths)]


def _sorted(files: list[ChangedFile], named: list[Named]) -> list[ChangedFile]:
    """What policy names, then risky places, then the rest; the larger changes first."""
    ranked = []
    for file in files:
        rule = next((one.rule for one in named if one.fits(file.path)), "")
        why = "rule" if rule else place_of(file.path)
        size = (file.added or 0) + (file.removed or 0)
        marked = ChangedFile(file.path, file.added, file.removed, why, rule)
        ranked.append((0 if rule else 1 if why else 2, -size, file.path, marked))
    return [marked for *_rank, marked in sorted(ranked, key=lambda row: row[:3])]


def _items(state: FactState) -> tuple[str, ...]:
    return state.value if isinstance(state, Known) and isinstance(state.value, tuple) else ()


def _parts(text: str) -> list[str] | None:
    """The three parts of a line of `git.stat` or `git.commits`."""
    parts = text.split(" ", 2)
    return parts if len(parts) == 3 else None


def _why_not(state: FactState) -> str:
    if isinstance(state, Known):
        return ""
    return _("being read") if state.kind == "pending" else state.reason
