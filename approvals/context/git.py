"""A hardened mirror of one project's repository, read with the git program.

git itself is the library here: it alone reads every repository format and transport. Nothing from
outside reaches its command line as an option, no system or user configuration is read, only
https, ssh and local folders are spoken, every command ends within the reading's budget.
"""

import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's well-known empty tree (SHA-1)
MAX_AUTHORS = 500
# `safe.directory`: local folders belong to other users; which ones may be read is decided when a
# project is saved (GIT_ROOTS), and nothing of theirs is ever executed.
CONFIGURATION = """\
[protocol]
	allow = never
[protocol "https"]
	allow = always
[protocol "ssh"]
	allow = always
[protocol "file"]
	allow = always
[safe]
	directory = *
[core]
	hooksPath = /dev/null
[gc]
	auto = 0
"""


class GitFailed(Exception):
    """git could not answer; the sentence is fit for people and names no address."""


class Repository:
    """The mirror of `address` for one project; all its commands share `budget` seconds."""

    def __init__(self, project_id: UUID, address: str, budget: float) -> None:
        self._address = address
        self._folder = settings.HOME / "git" / f"{project_id}.git"
        self._ends = time.monotonic() + budget

    @contextmanager
    def fetched(self) -> Iterator[None]:
        """Fetch all branches, then hold the mirror still while it is read.

        Raises GitFailed when the repository does not answer in time.
        """
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with (self._folder.parent / f"{self._folder.name}.lock").open("w") as lock:
            self._take(lock.fileno())
            if not (self._folder / "HEAD").exists():
                self._run("init", "--quiet", "--bare", str(self._folder), inside=False)
            flags = ("--quiet", "--prune", "--no-tags", "--force", "--no-write-fetch-head")
            self._run("fetch", *flags, "--", self._address, "+refs/heads/*:refs/heads/*")
            yield

    def tip(self, branch: str) -> str | None:
        """The commit at the tip of `branch` (full ref, never a tag of the same name)."""
        found = self._try("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")
        return found.strip() if found else None

    def has(self, commit: str) -> bool:
        """Whether the mirror has this commit."""
        return self._try("cat-file", "-e", f"{commit}^{{commit}}") is not None

    def contains(self, head: str, commit: str) -> bool:
        """Whether `commit` is reachable from `head`."""
        return self._try("merge-base", "--is-ancestor", commit, head) is not None

    def describe(self, commit: str) -> tuple[str, str, str, str]:
        """Author's and committer's e-mail, subject line, git's signature mark."""
        text = self._run("log", "-1", "--format=%ae%x00%ce%x00%s%x00%G?", commit)
        author, committer, subject, mark = text.rstrip("\n").split("\0")
        return author, committer, subject, mark

    def carries_signature(self, commit: str) -> bool:
        """Whether the commit object has a signature header at all."""
        header = self._run("cat-file", "commit", commit).split("\n\n", 1)[0]
        return any(line.startswith("gpgsig") for line in header.split("\n"))

    def numstat(self, base: str, commit: str) -> list[tuple[int, int, str]]:
        """Lines added, lines removed and path of every file that differs (binary: 0, 0)."""
        text = self._run("diff", "--numstat", "-z", "--no-renames", "--no-ext-diff",
                         "--no-textconv", base, commit, "--")  # fmt: skip
        rows = [record.split("\t", 2) for record in text.split("\0") if record]
        return [
            (int(add) if add != "-" else 0, int(remove) if remove != "-" else 0, path)
            for add, remove, path in rows
        ]

    def authors(self, base: str, commit: str) -> list[str]:
        """E-mail addresses of the authors of every commit since `base`."""
        span = commit if base == EMPTY_TREE else f"{base}..{commit}"
        text = self._run("log", f"--max-count={MAX_AUTHORS}", "--format=%ae", span, "--")
        return sorted(set(text.split("\n")) - {""})

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
            lines = [line for line in err.strip().splitlines() if line] or ["no message"]
            said = lines[-1].replace(self._address, "the repository")[:200]
            raise GitFailed(f"git {arguments[0]} failed: {said}")
        return out

    def _git(self, arguments: tuple[str, ...], *, inside: bool = True) -> tuple[int, str, str]:
        where = ["--git-dir", str(self._folder)] if inside else []
        try:
            process = subprocess.Popen(
                ["git", *where, *arguments], env=self._environment(), text=True, errors="replace",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            raise GitFailed("git is not installed where the portal runs") from None
        try:
            out, err = process.communicate(timeout=max(0.1, self._ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise GitFailed("git did not answer in time") from None
        return process.returncode, out, err

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(settings.HOME),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(_configuration()),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
            "GIT_OPTIONAL_LOCKS": "0",
        }


def _configuration() -> Path:
    """The only configuration git reads: a file, since `-c` does not reach the serving side."""
    path: Path = settings.HOME / "git" / "config"
    if not path.exists() or path.read_text() != CONFIGURATION:
        part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        part.write_text(CONFIGURATION)
        part.replace(path)
    return path
