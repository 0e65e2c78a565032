"""Reading the policy files at the tip of a branch. Whatever stands there is hostile."""

from dataclasses import dataclass

from policies.language.check import read_file
from policies.language.nodes import MAX_BYTES
from policies.language.problems import PolicyError, Problem
from policies.sources.models import PolicySource
from portal.kernel.git_files import Files, Listed
from portal.kernel.git_process import GitFailed
from portal.kernel.text import make_visible, text_problem

BUDGET = 30.0  # seconds for one reading of a source
MAX_FILES = 200
MAX_WRITERS = 500
MOST_ADDRESS = 320
SUFFIX = ".yaml"


@dataclass(frozen=True)
class File:
    """A file with the text it holds, and who made it so; `problems` where it holds no text."""

    path: str
    text: str = ""
    commit: str = ""
    subject: str = ""
    writers: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Reading:
    """The tip of the branch; `files` is None where it is the commit that was read before."""

    tip: str
    files: tuple[File, ...] | None


def read_source_files(source: PolicySource, known: dict[str, str]) -> Reading:
    """Every policy file in the folder. `known` maps paths to the commit that was read before.

    Raises GitFailed.
    """
    mirror = Files(source.pk, source.repository, BUDGET)
    with mirror.fetched(source.branch):
        tip = mirror.tip(source.branch)
        if tip is None:
            raise GitFailed("the repository does not have this branch")
        if tip == source.commit and not source.problems:
            return Reading(tip, None)
        files = [_read(mirror, source, tip, one, known) for one in _listed(mirror, source, tip)]
    return Reading(tip, tuple(files))


def _listed(mirror: Files, source: PolicySource, tip: str) -> list[Listed]:
    listed = mirror.folder(tip, source.folder)
    if listed is None:
        raise GitFailed(f"the branch has no folder “{source.folder}”")
    found = [one for one in listed if one.name.endswith(SUFFIX)]
    if len(found) > MAX_FILES:
        raise GitFailed(f"the folder has {len(found)} files; at most {MAX_FILES} are read")
    return found


def _read(
    mirror: Files, source: PolicySource, tip: str, one: Listed, known: dict[str, str]
) -> File:
    path = f"{source.folder}/{one.name}" if source.folder else one.name
    shown = make_visible(path)[:500]
    if refusal := _refusal(one):
        return _bad(shown, Problem(1, 1, refusal))
    try:
        text = read_file(mirror.blob(one.object_id))
    except PolicyError as error:
        return _bad(shown, *error.problems)
    commit, subject = mirror.last_change(tip, path)
    before = known.get(path, "")
    base = before if before and mirror.contains(tip, before) else None
    writers = mirror.writers(base, tip, path)
    if writers is None or len(writers) > MAX_WRITERS:
        return _bad(shown, Problem(1, 1, "too many people wrote this file to know them all"))
    if not all(writer.strip() for writer in writers):
        return _bad(shown, Problem(1, 1, "a commit of this file names no address of who wrote it"))
    cut = (w if len(w) <= MOST_ADDRESS else f"{w[:MOST_ADDRESS]}…" for w in writers)
    return File(path, text, commit, subject, tuple(cut))


def _refusal(one: Listed) -> str:
    if not one.is_file:
        return "this is no plain file; links are not followed"
    if text_problem(one.name) or len(one.name) > 200 or "\ufffd" in one.name:
        return "this name has characters that no name may have, or is too long"
    if one.size is None or one.size > MAX_BYTES:
        return f"the document is too large; at most {MAX_BYTES // 1024} KiB"
    return ""


def _bad(path: str, *problems: Problem) -> File:
    return File(path, problems=problems)
