"""A branch of a git repository: each checkpoint is a commit on it, and none is ever taken away.

What is pushed goes on from what is there, never by force. Each time an empty repository is made,
the tip alone is fetched into it, and all of it is thrown away again: nothing here can be stale.
"""

import re
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from portal.kernel.git_process import (
    CONFIGURATION,
    GitFailed,
    git_environment,
    reason,
    run_git,
)
from portal.ledger.origins import Anchored
from portal.sealer.history import Cosignature, History, Signed
from portal.sealer.refusals import PlaceFailed

BRANCH = "countersign"
FILE = "checkpoint"
BUDGET = 30.0  # seconds for all of it
_BRANCH = re.compile(r"(?!-)(?!.*(\.\.|//|/\.|\.lock$))[A-Za-z0-9._/-]*[A-Za-z0-9_-]")
_PERSON = {"NAME": "Countersign sealer", "EMAIL": "sealer@countersign.invalid"}


def place_of(address: str) -> "GitBranch":
    """`git+https://[USER:TOKEN@]HOST/PATH[#BRANCH]`, also git+ssh, git+file. Raises ValueError."""
    parts = urlsplit(address.removeprefix("git+"))
    branch = parts.fragment or BRANCH
    if not _BRANCH.fullmatch(branch):
        raise ValueError("this cannot be the name of a branch")
    if parts.query or not parts.path.strip("/") or not (parts.netloc or parts.scheme == "file"):
        raise ValueError("a repository is named by host and path")
    secret = ""
    if parts.scheme == "https" and parts.username:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        secret = b64encode(user.encode()).decode()
    elif parts.password:
        raise ValueError("a password is for https only")
    keep = parts.netloc if parts.scheme == "ssh" else parts.netloc.rpartition("@")[2]
    return GitBranch(f"{parts.scheme}://{keep}{parts.path}", branch, secret)


class GitBranch:
    """The branch; `secret` is what HTTP's basic authentication sends."""

    readable = True
    pause = 0.0

    def __init__(self, address: str, branch: str, secret: str = "") -> None:
        self.name = f"git+{address}#{branch}"
        self._address = address
        self._branch = branch
        self._secret = secret

    def check(self, history: History) -> Anchored | None:
        """Hold the tip against the log."""
        with self._tip() as tip:
            return history.require(tip.notes(), self.name)

    def anchor(self, signed: Signed, history: History) -> Cosignature | None:
        """Push one commit more."""
        with self._tip() as tip:
            history.require(tip.notes(), self.name)
            tip.push(signed)
        return None

    @contextmanager
    def _tip(self) -> Iterator["_Tip"]:
        """A repository that has the tip, while it is looked at. Raises PlaceFailed."""
        with tempfile.TemporaryDirectory(prefix="countersign-anchor-") as place:
            try:
                yield _Tip(Path(place), self._address, f"refs/heads/{self._branch}", self._secret)
            except GitFailed as problem:
                raise PlaceFailed(f"could not be reached: {problem}") from None


class _Tip:
    """A fresh repository and the newest commit of the branch; `commit` is empty without one."""

    def __init__(self, folder: Path, address: str, ref: str, secret: str) -> None:
        self._ends = time.monotonic() + BUDGET
        self._folder = folder
        self._address = address
        self._ref = ref
        self._environment = self._prepare(secret)
        heads = self._git("ls-remote", "--", address, "refs/heads/*").splitlines()
        found = {name: commit for commit, _, name in (line.partition("\t") for line in heads)}
        self.commit = found.get(ref, "")
        kind = "sha256" if len(next(iter(found.values()), "")) == 64 else "sha1"
        self._git("init", "--quiet", "--bare", "--template=", f"--object-format={kind}", "tip.git")
        if self.commit:
            self._inside("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head",
                         "--", address, f"{ref}:{ref}")  # fmt: skip

    def notes(self) -> list[str]:
        """The newest checkpoint, or nothing on a branch that is not there yet."""
        if not self.commit:
            return []
        try:
            return [self._inside("cat-file", "blob", f"{self._ref}:{FILE}")]
        except GitFailed:
            raise PlaceFailed("holds something else: give checkpoints a branch alone") from None

    def push(self, signed: Signed) -> None:
        """One commit behind the tip."""
        found = signed.checkpoint
        blob = self._inside("hash-object", "-w", "--stdin", stdin=signed.note).strip()
        tree = self._inside("mktree", stdin=f"100644 blob {blob}\t{FILE}\n").strip()
        parent = ["-p", self.commit] if self.commit else []
        message = f"{found.size} entries of {found.origin}\n"
        commit = self._inside("commit-tree", tree, *parent, "-F", "-", stdin=message).strip()
        self._inside("push", "--quiet", "--", self._address, f"{commit}:{self._ref}")

    def _prepare(self, secret: str) -> dict[str, str]:
        """The environment; the secret goes into a file that only we can read, not on a line."""
        configuration = self._folder / "config"
        header = f'[http "{self._address}"]\n\textraHeader = "Authorization: Basic {secret}"\n'
        configuration.write_text(CONFIGURATION + (header if secret else ""))
        people = {f"GIT_{who}_{what}": _PERSON[what] for who in ("AUTHOR", "COMMITTER")
                  for what in _PERSON}  # fmt: skip
        return {**git_environment(self._folder, configuration), **people}

    def _inside(self, *arguments: str, stdin: str = "") -> str:
        return self._git("--git-dir=tip.git", *arguments, stdin=stdin)

    def _git(self, *arguments: str, stdin: str = "") -> str:
        code, out, err = run_git(
            arguments, cwd=self._folder, environment=self._environment,
            seconds=self._ends - time.monotonic(), stdin=stdin.encode(),
        )  # fmt: skip
        if code != 0:
            command = next(word for word in arguments if not word.startswith("-"))
            raise GitFailed(reason(command, code, err))
        return out.decode(errors="replace")
