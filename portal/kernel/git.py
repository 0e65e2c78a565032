"""A hardened mirror of one repository, read with the git program.

git itself is the library here: it alone reads every repository format and transport. Nothing from
outside reaches its command line as an option, no system or user configuration is read, only
https, ssh and local folders are spoken, every command ends within the reading's budget.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from portal.kernel.git_process import (
    CONFIGURATION,
    GitFailed,
    git_environment,
    reason,
    run_git,
    scrubbed,
)

log = logging.getLogger(__name__)

MAX_COMMITS = 20_000  # of a longer span the authors are not known: leaving some out would free them
STALE_LOCK_SECONDS = 60  # far beyond a reading's budget: git was killed while it held the lock
MARK = "mirror-of"
STAMP = "fetched-at"  # its time is when the last fetch of all branches began


class Repository:
    """The mirror of `address` for one owner, a project say; commands share `budget` seconds."""

    def __init__(self, owner_id: UUID, address: str, budget: float) -> None:
        self._address = address
        self._folder = settings.HOME / "git" / f"{owner_id}.git"
        self._ends = time.monotonic() + budget

    @contextmanager
    def fetched(self, branch: str = "*", since: datetime | None = None) -> Iterator[None]:
        """Fetch all branches, or one, then hold the mirror still while it is read.

        A fetch of all branches that began after `since` will do: many who ask at once fetch once.
        Raises GitFailed when the repository does not answer in time.
        """
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with (self._folder.parent / f"{self._folder.name}.lock").open("w") as lock:
            self._take(lock.fileno())
            self._prepare()
            if since is None or not self._has_since(since):
                self._fetch(branch)
            yield

    def _has_since(self, moment: datetime) -> bool:
        stamp = self._folder / STAMP
        return stamp.exists() and stamp.stat().st_mtime > moment.timestamp()

    def _fetch(self, branch: str) -> None:
        begun = time.time()
        flags = ("--quiet", "--prune", "--no-tags", "--force", "--no-write-fetch-head",
                 "--no-recurse-submodules")  # fmt: skip
        self._remote(
            "fetch", *flags, "--", self._address, f"+refs/heads/{branch}:refs/heads/{branch}"
        )
        if branch == "*":
            (self._folder / STAMP).touch()
            os.utime(self._folder / STAMP, (begun, begun))

    def tip(self, branch: str) -> str | None:
        """The commit at the tip of `branch`: this very ref, never another that ends like it."""
        found = self._try("show-ref", "--verify", "--hash", f"refs/heads/{branch}")
        return found.strip() if found else None

    def has(self, commit: str) -> bool:
        """Whether a branch has this commit, named in full.

        What a force-push left behind in the mirror is not in the repository any more.
        """
        named = self._try("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
        if named is None or named.strip() != commit:
            return False
        return bool(self._run("for-each-ref", "--count=1", "--contains", commit, "refs/heads/"))

    def contains(self, head: str, commit: str) -> bool:
        """Whether `commit` is reachable from `head`."""
        return self._try("merge-base", "--is-ancestor", commit, head) is not None

    def describe(self, commit: str) -> tuple[str, str, str, str, str]:
        """Author's and committer's e-mail, subject line, git's signature mark, seconds since 1970
        when it was committed."""
        text = self._run("log", "-1", "--format=%ae%x00%ce%x00%s%x00%G?%x00%ct", commit)
        author, committer, subject, mark, seconds = text.rstrip("\n").split("\0")
        return author, committer, subject, mark, seconds

    def carries_signature(self, commit: str) -> bool:
        """Whether the commit object has a signature header at all."""
        header = self._run("cat-file", "commit", commit).split("\n\n", 1)[0]
        return any(line.startswith("gpgsig") for line in header.split("\n"))

    def numstat(self, base: str | None, commit: str) -> list[tuple[int, int, str]]:
        """Lines added, lines removed and path of every file that differs; no base: from nothing.

        Every file counts as text (see `_make`).
        """
        old = base or self._run("hash-object", "-t", "tree", os.devnull).strip()
        text = self._run("diff", "--numstat", "-z", "--no-renames", "--no-ext-diff",
                         "--no-textconv", old, commit, "--")  # fmt: skip
        rows = [record.split("\t", 2) for record in text.split("\0") if record]
        return [
            (int(add) if add != "-" else 0, int(remove) if remove != "-" else 0, path)
            for add, remove, path in rows
        ]

    def authors(self, base: str | None, commit: str) -> list[str] | None:
        """E-mail addresses of who wrote or committed each commit since `base`; None: too many.

        An empty one is among them when a commit names none.
        """
        span = f"{base}..{commit}" if base else commit
        text = self._run("log", f"--max-count={MAX_COMMITS + 1}", "--format=%ae%n%ce", span, "--")
        lines = text.split("\n")[:-1]  # two for each commit
        return sorted({line.strip() for line in lines}) if len(lines) <= 2 * MAX_COMMITS else None

    def commits(self, base: str | None, commit: str, most: int) -> list[tuple[str, str, str]]:
        """Id, author's e-mail and subject line of the newest commits since `base`."""
        span = f"{base}..{commit}" if base else commit
        text = self._run("log", f"--max-count={most}", "--format=%H%x00%ae%x00%s", span, "--")
        rows = [line.split("\0", 2) for line in text.split("\n")[:-1]]
        return [(name, author, subject) for name, author, subject in rows]

    def _prepare(self) -> None:
        """An empty mirror in the repository's format, unless there is one of this address."""
        mark = self._folder / MARK
        address = hashlib.sha256(self._address.encode()).hexdigest()
        if mark.exists() and mark.read_text() == address:
            self._drop_stale_locks()
            return
        heads = self._remote("ls-remote", "--", self._address, "refs/heads/*", inside=False)
        self._make("sha256" if len(heads.split("\t")[0]) == 64 else "sha1")
        if heads:  # an empty repository has not chosen its format yet
            mark.write_text(address)

    def _make(self, object_format: str) -> None:
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._run("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}",
                  str(self._folder), inside=False)  # fmt: skip
        # Neither one NUL byte nor the repository's own attributes make git count no lines.
        (self._folder / "info").mkdir(exist_ok=True)
        (self._folder / "info" / "attributes").write_text("* diff\n")

    def _drop_stale_locks(self) -> None:
        """A git that was killed leaves its lock files, and every later fetch would fail on them."""
        oldest = time.time() - STALE_LOCK_SECONDS
        for path in (*self._folder.glob("*.lock"), *(self._folder / "refs").rglob("*.lock")):
            if path.stat().st_mtime < oldest:
                path.unlink()

    def _take(self, descriptor: int) -> None:
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > self._ends:
                    raise GitFailed("another reading of this repository takes too long") from None
                time.sleep(0.02)

    def _try(self, *arguments: str) -> str | None:
        code, out, _ = self._git(arguments)
        return out if code == 0 else None

    def _run(self, *arguments: str, inside: bool = True) -> str:
        code, out, err = self._git(arguments, inside=inside)
        if code != 0:
            log.warning("git %s in a mirror: %s", arguments[0], scrubbed(err))
            raise GitFailed(f"git {arguments[0]} failed in the mirror of the repository")
        return out

    def _remote(self, *arguments: str, inside: bool = True) -> str:
        """A command that talks to the repository itself."""
        code, out, err = self._git(arguments, inside=inside)
        if code == 0:
            return out
        log.warning("git %s: %s", arguments[0], scrubbed(err))
        if "mismatched algorithms" in err:
            (self._folder / MARK).unlink(missing_ok=True)
        raise GitFailed(f"the repository could not be read: {reason(arguments[0], code, err)}")

    def _git(self, arguments: tuple[str, ...], *, inside: bool = True) -> tuple[int, str, str]:
        code, out, err = self._raw(arguments, inside=inside)
        return code, out.decode(errors="replace"), err

    def _raw(self, arguments: tuple[str, ...], *, inside: bool = True) -> tuple[int, bytes, str]:
        where = ["--git-dir", str(self._folder)] if inside else []
        return run_git(
            [*where, *arguments],
            cwd=self._folder.parent,
            environment=git_environment(settings.HOME, _configuration()),
            seconds=self._ends - time.monotonic(),
        )


def _configuration() -> Path:
    """The only configuration git reads: a file, since `-c` does not reach the serving side."""
    path: Path = settings.HOME / "git" / "config"
    if not path.exists() or path.read_text() != CONFIGURATION:
        part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        part.write_text(CONFIGURATION)
        part.replace(path)
    return path
