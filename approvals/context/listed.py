"""Files and commits of a change as facts: one line each, in parts that a space ends.

A list longer than people read is not kept with every snapshot, and never known in part.
"""

from collections.abc import Iterable, Sequence

from approvals.context.people import address
from policies.language.facts import Unknown

MOST_FILES = 500
MOST_COMMITS = 200
MOST_SUBJECT = 200
MOST_CHECKS = 200
MOST_ADDRESS = 500
_FILES = Unknown(f"more than {MOST_FILES} files differ", "absent")
_COMMITS = Unknown(f"more than {MOST_COMMITS} commits since what runs there now", "absent")

_CHECKS = Unknown(f"the commit has more than {MOST_CHECKS} checks", "absent")


def stat_lines(files: Sequence[tuple[int, int, str]]) -> list[str] | Unknown:
    """`git.stat` from lines added, lines removed and path of each file."""
    if len(files) > MOST_FILES:
        return _FILES
    return [f"{added} {removed} {path}" for added, removed, path in files]


def commit_lines(commits: Iterable[tuple[str, str, str]]) -> list[str] | Unknown:
    """`git.commits` from id, author's address and subject, the newest first."""
    found = [
        # No address has a space in it here: it would end too early.
        f"{commit[:12]} {''.join(address(author).split()) or '?'} {subject[:MOST_SUBJECT].strip()}"
        for commit, author, subject in commits
    ]
    return found if len(found) <= MOST_COMMITS else _COMMITS


def check_lines(checks: Iterable[tuple[str, str, str]]) -> list[str] | Unknown:
    """`ci.checks` from state, page and name; a page that is no https address is left out."""
    found = sorted(f"{state} {_page(page)} {name}" for state, page, name in checks)
    return found if len(found) <= MOST_CHECKS else _CHECKS


def _page(address: str) -> str:
    fits = address.startswith("https://") and len(address) <= MOST_ADDRESS
    return address if fits and address.isprintable() and " " not in address else "-"
